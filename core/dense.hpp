// Dense symmetric matrices, lower triangle, column-major, cut into block columns that threads share. The blocks depend
// on the size alone and each is one call of single-threaded BLAS, so the result is the same for any number of threads.
#pragma once
#include "small.hpp"

namespace henderson::dense {

// Cholesky factor in place; false when not positive definite
bool factorise(Int n, double* A, int threads);
// S := (L L')^-1, lower triangle; the strict upper triangle of S is undefined
void invert(Int n, const double* L, double* S, int threads);
// C (n x n) -= A A', A (n x k) with leading dimension n
void subtract_square(Int n, Int k, const double* A, double* C, int threads);
// C (n x k) := -S A, S symmetric
void multiply_negative(Int n, Int k, const double* S, const double* A, double* C, int threads);
// The strict upper triangle becomes the mirror of the lower one
void mirror(Int n, double* S, int threads);

}  // namespace henderson::dense
