#include "lapack.hpp"

#include <algorithm>

namespace henderson::lapack {

namespace {
// Fortran takes everything by pointer and promises nothing about const.
double* in(const double* a) { return const_cast<double*>(a); }
int leading(Int ld) { return static_cast<int>(std::max<Int>(1, ld)); }
}  // namespace

Routines& routines() {
    static Routines table{};
    return table;
}

void syrk(double sign, Int n, Int k, const double* A, Int lda, double* C, Int ldc) {
    char uplo = 'L', trans = 'N';
    int in_ = static_cast<int>(n), ik = static_cast<int>(k), la = leading(lda), lc = leading(ldc);
    double one = 1;
    routines().dsyrk(&uplo, &trans, &in_, &ik, &sign, in(A), &la, &one, C, &lc);
}

void syrk_transposed(double sign, Int n, Int k, const double* A, Int lda, double* C, Int ldc) {
    char uplo = 'L', trans = 'T';
    int in_ = static_cast<int>(n), ik = static_cast<int>(k), la = leading(lda), lc = leading(ldc);
    double one = 1;
    routines().dsyrk(&uplo, &trans, &in_, &ik, &sign, in(A), &la, &one, C, &lc);
}

void gemm(char opA, char opB, double sign, Int m, Int n, Int k, const double* A, Int lda, const double* B, Int ldb,
          double beta, double* C, Int ldc) {
    int im = static_cast<int>(m), in_ = static_cast<int>(n), ik = static_cast<int>(k);
    int la = leading(lda), lb = leading(ldb), lc = leading(ldc);
    routines().dgemm(&opA, &opB, &im, &in_, &ik, &sign, in(A), &la, in(B), &lb, &beta, C, &lc);
}

void symm(double sign, Int m, Int n, const double* A, Int lda, const double* B, Int ldb, double* C, Int ldc) {
    char side = 'L', uplo = 'L';
    int im = static_cast<int>(m), in_ = static_cast<int>(n), la = leading(lda), lb = leading(ldb), lc = leading(ldc);
    double zero = 0;
    routines().dsymm(&side, &uplo, &im, &in_, &sign, in(A), &la, in(B), &lb, &zero, C, &lc);
}

bool potrf(Int n, double* A, Int lda) {
    char uplo = 'L';
    int in_ = static_cast<int>(n), la = leading(lda), info = 0;
    if (n > 0) routines().dpotrf(&uplo, &in_, A, &la, &info);
    return info == 0;
}

void potri(Int n, double* L, Int ldl) {
    char uplo = 'L';
    int in_ = static_cast<int>(n), ll = leading(ldl), info = 0;
    if (n > 0) routines().dpotri(&uplo, &in_, L, &ll, &info);
}

namespace {
void trsm(char side, bool transposed, Int m, Int n, const double* L, Int ldl, double* B, Int ldb) {
    char uplo = 'L', trans = transposed ? 'T' : 'N', diag = 'N';
    int im = static_cast<int>(m), in_ = static_cast<int>(n), ll = leading(ldl), lb = leading(ldb);
    double one = 1;
    if (m > 0 && n > 0) routines().dtrsm(&side, &uplo, &trans, &diag, &im, &in_, &one, in(L), &ll, B, &lb);
}
}  // namespace

void trsm_right(bool transposed, Int m, Int n, const double* L, Int ldl, double* B, Int ldb) {
    trsm('R', transposed, m, n, L, ldl, B, ldb);
}

void trsm_left(bool transposed, Int m, Int n, const double* L, Int ldl, double* B, Int ldb) {
    trsm('L', transposed, m, n, L, ldl, B, ldb);
}

}  // namespace henderson::lapack
