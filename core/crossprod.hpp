// One pass over the rows: everything a mixed model needs from the data are grouped sums of products.
// Columns stay where they are; centring, scaling and weighting happen in a block of rows that fits the cache.
#pragma once
#include <vector>

#include "small.hpp"

namespace henderson {

struct Column {
    const double* data;
    double centre, scale;  // used as (x - centre) * scale
};

// Mean, mean square, least and largest value.
struct Moments {
    double mean, square, least, largest;
};
Moments moments(const double* x, Int n);

// out (m x m) row-major, symmetric := sum_i w_i x_i x_i'. Rows are cut at fixed places, whatever the number of threads.
void cross_products(const std::vector<Column>& x, const double* weights, Int n, double* out, int threads = 1);

// Per level g: zz[g] (K x K) += w z z', zx[g] (K x m) += w z x'. Outputs start from zero. Threads share the levels, so
// that every sum runs over its rows in their order.
void grouped_products(const int* codes, Int levels, const std::vector<Column>& z, const std::vector<Column>& x,
                      const double* weights, Int n, double* zz, double* zx, int threads = 1);

// Which levels of two groupings meet, and sums of z_first z_second' over the rows where they do.
struct PairProducts {
    std::vector<Int> start;       // (levels_first + 1)
    std::vector<int> partner;     // ascending within a level of the first
    std::vector<double> blocks;   // (entries x K_first x K_second); empty when every block is the number one
};
PairProducts pair_products(const int* first, Int levels_first, const std::vector<Column>& z_first, const int* second,
                           Int levels_second, const std::vector<Column>& z_second, const double* weights, Int n);

}  // namespace henderson
