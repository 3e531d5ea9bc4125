#include "dense.hpp"

#include <algorithm>

#include "lapack.hpp"
#include "threads.hpp"

namespace henderson::dense {

namespace {

// Smaller matrices are one block: one call of LAPACK. In larger ones blocks of this width lose a tenth to the
// borders in one thread and leave enough of them for many.
constexpr Int whole = 768, width = 128;

Int blocks(Int n) { return n <= whole ? 1 : (n + width - 1) / width; }
Int first(Int n, Int block) { return n <= whole ? block * n : std::min(n, block * width); }

}  // namespace

bool factorise(Int n, double* A, int threads) {
    const Int count = blocks(n);
    for (Int b = 0; b < count; ++b) {
        const Int at = first(n, b), end = first(n, b + 1), k = end - at, below = count - b - 1;
        double* own = A + at * n + at;
        if (!lapack::potrf(k, own, n)) return false;
        in_parallel(threads, below, [&](Int i) {
            const Int row = first(n, b + 1 + i), rows = first(n, b + 2 + i) - row;
            lapack::trsm_right(true, rows, k, own, n, A + at * n + row, n);
        });
        in_parallel(threads, below, [&](Int i) {
            const Int column = first(n, b + 1 + i), next = first(n, b + 2 + i), columns = next - column;
            const double* panel = A + at * n;
            lapack::syrk(-1, columns, k, panel + column, n, A + column * n + column, n);
            lapack::gemm('N', 'T', -1, n - next, columns, k, panel + next, n, panel + column, n, 1, A + column * n + next, n);
        });
    }
    return true;
}

// Block column by block column: S E = L^-T (L^-1 E), of which the rows from the block on need nothing above them.
void invert(Int n, const double* L, double* S, int threads) {
    const Int count = blocks(n);
    if (count == 1) {
        std::copy(L, L + n * n, S);
        lapack::potri(n, S, n);
        return;
    }
    in_parallel(threads, count, [&](Int b) {
        const Int at = first(n, b), columns = first(n, b + 1) - at, rows = n - at;
        double* to = S + at * n + at;
        for (Int j = 0; j < columns; ++j) {
            std::fill(to + j * n, to + j * n + rows, 0.0);
            to[j * n + j] = 1;
        }
        lapack::trsm_left(false, rows, columns, L + at * n + at, n, to, n);
        lapack::trsm_left(true, rows, columns, L + at * n + at, n, to, n);
    });
}

void subtract_square(Int n, Int k, const double* A, double* C, int threads) {
    in_parallel(threads, blocks(n), [&](Int b) {
        const Int at = first(n, b), end = first(n, b + 1);
        lapack::syrk(-1, end - at, k, A + at, n, C + at * n + at, n);
        if (end < n) lapack::gemm('N', 'T', -1, n - end, end - at, k, A + end, n, A + at, n, 1, C + at * n + end, n);
    });
}

void multiply_negative(Int n, Int k, const double* S, const double* A, double* C, int threads) {
    const Int columns = n <= whole ? k : std::min(k, Int{512}), tasks = k == 0 ? 0 : (k + columns - 1) / columns;
    in_parallel(threads, tasks, [&](Int i) {
        const Int at = i * columns;
        lapack::symm(-1, n, std::min(columns, k - at), S, n, A + at * n, n, C + at * n, n);
    });
}

void mirror(Int n, double* S, int threads) {
    constexpr Int tile = 32;
    const Int tiles = (n + tile - 1) / tile;
    in_parallel(threads, tiles, [&](Int b) {  // the rows of the block become its columns above the diagonal
        const Int from = b * tile, to = std::min(n, from + tile);
        for (Int left = 0; left <= from; left += tile)
            for (Int j = left; j < std::min(left + tile, to); ++j)
                for (Int i = std::max(from, j + 1); i < to; ++i) S[i * n + j] = S[j * n + i];
    });
}

}  // namespace henderson::dense
