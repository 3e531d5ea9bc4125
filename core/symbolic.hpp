// What the pattern of Z'WZ alone decides: elimination order, fill, and where the dense tail begins.
//
// A node is one level of one grouping factor, with a block of K columns. Two orders compete by their predicted cost:
// factor by factor, the factor with most levels first (its levels never meet one another), then by increasing degree;
// and approximate minimum degree. While the fill of a column is small it stays sparse (the head); from where one dense
// matrix costs less than what is sparse about the rest, that matrix is the tail, for LAPACK.
#pragma once
#include <vector>

#include "small.hpp"

namespace henderson {

// Levels of grouping `first` that meet levels of grouping `second` in some row: compressed rows.
struct PairPattern {
    int first, second;
    const Int* start;    // (levels of first + 1)
    const int* partner;  // level of second, ascending within a row
};

// Entries first ... last of tail_row, all of head column `node`.
struct Reach {
    int node;
    Int first, last;
};

struct Symbolic {
    // the groupings, as given
    std::vector<int> K;
    std::vector<Int> levels, offset;  // offset: first scalar index of the grouping in external order
    Int q = 0;

    // nodes in elimination order
    int nodes = 0;
    std::vector<int> grouping, level;
    std::vector<Int> at;       // (nodes + 1) first scalar index in elimination order
    std::vector<Int> diag_at;  // (nodes + 1) offset of the K x K diagonal block

    // Z'WZ strictly below the diagonal, by column in elimination order
    std::vector<Int> a_start;
    std::vector<int> a_row;
    std::vector<int> a_entry;     // which entry of its PairPattern
    std::vector<int> pair_at;     // (groupings x groupings) the PairPattern of two groupings
    std::vector<int> pair_first;  // the first grouping of each PairPattern

    // head of L: rows that are head nodes (blocks), rows in the tail (scalars)
    int head = 0;
    Int tail = 0;                      // scalar size of the dense tail
    std::vector<Int> row_start;        // (head + 1) into row
    std::vector<int> row;              // head nodes, ascending
    std::vector<Int> block_at;         // offset of the K_r x K_j block of each entry of row
    Int head_size = 0;                 // doubles in all head blocks
    std::vector<Int> tail_start;       // (head + 1) into tail_row
    std::vector<int> tail_row;         // scalar tail indices, ascending; empty when `panel`
    std::vector<Int> panel_at;         // offset of the (tail rows x K_j) column-major panel of node j
    Int panel_size = 0;
    bool panel = false;                // head-to-tail part padded to full columns, BLAS-3 throughout
    Int band = 1;                      // the tail in bands of this many columns, for threads and caches; empty when `panel`:
    std::vector<Int> span_start;       // (bands + 1) into span
    std::vector<Reach> span;           // what of the head reaches the band, by column
    std::vector<int> a_target;         // where each block of A lands: see aim_cross_products()

    // for every head node, the earlier nodes whose columns reach it
    std::vector<Int> child_start;
    std::vector<int> child;
    std::vector<Int> child_entry;      // index into row of the entry (this node, child)

    double factor_flops = 0;           // estimate, one factorisation
    double cost = 0;                   // the same with every operation weighed by its speed; a dense one costs 1
    double cost_by_factor = 0;         // of the other order, the usual one
    bool minimum_degree = false;       // which of the two it is

    int k(int v) const { return static_cast<int>(at[v + 1] - at[v]); }
    int pair(int r, int j) const { return pair_at[grouping[r] * K.size() + grouping[j]]; }
    // whether the block in row r, column j is stored the other way round (stored: K_first x K_second)
    bool flipped(int r, int j) const { return pair_first[pair(r, j)] == grouping[j]; }
    Int bands() const { return (tail + band - 1) / band; }
    Int rows_in_tail(int j) const { return panel ? tail : tail_start[j + 1] - tail_start[j]; }
};

// `by_factor`: without trying another order
Symbolic analyse(const std::vector<int>& K, const std::vector<Int>& levels, const std::vector<PairPattern>& pairs,
                 bool by_factor = false);

}  // namespace henderson
