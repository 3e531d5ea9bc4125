// Cholesky factor of Omega = Lambda' A Lambda + I at one theta (A = Z'WZ), and what is computed from it:
// solves, log-determinant, the inverse on the pattern of A, and the traces that make the gradient.
// Vectors are (q x m) row-major in elimination order; external order is grouping by grouping, level by level.
#pragma once
#include <vector>

#include "symbolic.hpp"

namespace henderson {

// Blocks of Z'WZ: per grouping (levels x K x K), per pair (entries x K_first x K_second), row-major.
struct CrossZ {
    std::vector<const double*> diagonal, pair;
};

struct Factor {
    int threads = 1;                          // that may share the work; the numbers do not depend on it
    std::vector<std::vector<double>> lambda;  // per grouping K x K, lower triangular
    std::vector<double> diagonal;             // head: L_jj (K x K)
    std::vector<double> head;                 // head: L_rj blocks, r a head node
    std::vector<double> panel;                // head: tail rows of column j, column-major
    std::vector<double> tail;                 // (t x t) column-major, lower triangle
    double logdet = 0;                        // log|Omega|

    // Omega^-1 on the pattern of L (which contains that of A), or its diagonal only; filled by invert_selected
    std::vector<double> s_diagonal, s_head, s_panel, s_tail;  // s_tail: lower triangle
    std::vector<double> y_head, y_panel;                      // L_rj L_jj^-1, scratch of the Takahashi recursion
    std::vector<int> where;                                   // scratch: position of a head row in the current column
    std::vector<double> dense_column, product;                // scratch: tail rows of one column, all of them; K x K
    std::vector<double> gathered;                             // scratch of the solves
};

// False when Omega is not numerically positive definite (only for entries that are not finite).
bool factorise(const Symbolic& s, const CrossZ& A, Factor& f);
void solve_forward(const Symbolic& s, const Factor& f, double* x, Int m);   // x := L^-1 x
void solve_backward(const Symbolic& s, const Factor& f, double* x, Int m);  // x := L^-T x
void invert_selected(const Symbolic& s, Factor& f, bool diagonal_only = false);
// F[grouping] (K x K) := sum over levels g of (A Lambda Omega^-1)_gg ; needs invert_selected
void trace_products(const Symbolic& s, const CrossZ& A, const Factor& f, std::vector<std::vector<double>>& F);

// rest[grouping] (K x K) := sum over levels g of I - (Omega^-1)_gg ; needs invert_selected, diagonal at least
void trace_complements(const Symbolic& s, const Factor& f, std::vector<std::vector<double>>& rest);

// Copies Omega^-1 on the pattern of A into arrays shaped like those of CrossZ
void copy_selected(const Symbolic& s, const Factor& f, const std::vector<double*>& diagonal, const std::vector<double*>& pair);

// Columns first … first + count of a (q x m) array
struct Span {
    int first, count;
};
void multiply(const Symbolic& s, const CrossZ& A, const double* x, double* out, Int m);  // out := A x
// The same where rows of x that belong to a grouping are zero outside the columns of its span
void multiply_blocks(const Symbolic& s, const CrossZ& A, const std::vector<Span>& spans, const double* x, double* out, Int m);
void scale(const Symbolic& s, const Factor& f, bool transposed, double* x, Int m);       // x := Lambda x or Lambda' x
void to_elimination_order(const Symbolic& s, const double* external, double* x, Int m);
void to_external_order(const Symbolic& s, const double* x, double* external, Int m);

}  // namespace henderson
