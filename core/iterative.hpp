// Products with Z'WZ for designs whose factor would not fit: passes over the levels of one grouping, eight vectors at a
// time. Vectors are row-major, `lanes` numbers to a row, so that the row of one level and column is one cache line.
#pragma once
#include <vector>

#include "small.hpp"

namespace henderson {

constexpr int lanes = 8;

// The levels of another grouping that each level meets, in compressed rows, with the K_here x K blocks of Z'WZ.
struct Partners {
    const Int* start;      // (levels here + 1)
    const int* partner;    // level of the other grouping
    const double* blocks;  // null: every block is the number `same`
    double same;
    int K;                 // columns of the other grouping
    Int at;                // its first row in the vectors
};

// Levels first … last of a grouping with K columns. t_g := sum over partners of A_gh x_h (when x is given) goes to
// sums (levels x K); then A_hg s_g is added to out, with s_g = B_g t_g (B: levels x K x K) or, without B, given_g.
// Every array but the pattern may be null: what cannot be computed is left out. x, out: rows of the other groupings.
void pass_levels(const std::vector<Partners>& others, int K, Int first, Int last, const double* x, const double* B,
                 const double* given, double* sums, double* out);

// D_h (levels of the other grouping x K_h x K_h) += sum over its partners g in first … last of A_gh' B_g A_gh
void add_quadratic_blocks(const Partners& other, int K, Int first, Int last, const double* B, double* D);

// T_g (levels x K x K) += sum over the partners h of g, first … last, of A_gh D_h A_gh'
void sum_quadratic_blocks(const Partners& other, int K, Int first, Int last, const double* D, double* T);

}  // namespace henderson
