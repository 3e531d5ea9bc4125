// BLAS and LAPACK borrowed from SciPy: SciPy publishes its routines as capsules, so nothing is linked or shipped.
// Column-major, as Fortran has it. Every routine here works on double and 32-bit integers.
#pragma once
#include "small.hpp"

namespace henderson::lapack {

struct Routines {
    void (*dpotrf)(char*, int*, double*, int*, int*);
    void (*dpotri)(char*, int*, double*, int*, int*);
    void (*dsyrk)(char*, char*, int*, int*, double*, double*, int*, double*, double*, int*);
    void (*dgemm)(char*, char*, int*, int*, int*, double*, double*, int*, double*, int*, double*, double*, int*);
    void (*dsymm)(char*, char*, int*, int*, double*, double*, int*, double*, int*, double*, double*, int*);
    void (*dtrsm)(char*, char*, char*, char*, int*, int*, double*, double*, int*, double*, int*);
};

// Filled once by bindings.cpp, before any kernel runs.
Routines& routines();

// C (n x n, lower) := C + sign * A A', A (n x k) with leading dimension lda
void syrk(double sign, Int n, Int k, const double* A, Int lda, double* C, Int ldc);
// C (n x n, lower) := C + sign * A' A, A (k x n)
void syrk_transposed(double sign, Int n, Int k, const double* A, Int lda, double* C, Int ldc);
// C (m x n) := beta C + sign * op(A) op(B)
void gemm(char opA, char opB, double sign, Int m, Int n, Int k, const double* A, Int lda, const double* B, Int ldb,
          double beta, double* C, Int ldc);
// C (m x n) := sign * A B, A (m x m) symmetric, lower triangle read
void symm(double sign, Int m, Int n, const double* A, Int lda, const double* B, Int ldb, double* C, Int ldc);
// Lower Cholesky factor in place; false when not positive definite
bool potrf(Int n, double* A, Int lda);
// Inverse (lower triangle) from the Cholesky factor, in place
void potri(Int n, double* L, Int ldl);
// B (m x n) := B L^-1, or B L^-T where `transposed`; L (n x n) lower
void trsm_right(bool transposed, Int m, Int n, const double* L, Int ldl, double* B, Int ldb);
// B (m x n) := L^-1 B, or L^-T B where `transposed`; L (m x m) lower
void trsm_left(bool transposed, Int m, Int n, const double* L, Int ldl, double* B, Int ldb);

}  // namespace henderson::lapack
