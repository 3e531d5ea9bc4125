#include "crossprod.hpp"

#include <algorithm>
#include <numeric>

#include "lapack.hpp"
#include "threads.hpp"

namespace henderson {

namespace {

constexpr Int block_rows = 512;

// buffer (rows x m) row-major := transformed columns, rows first … first + rows
void gather(const std::vector<Column>& columns, Int first, Int rows, double* buffer) {
    const Int m = static_cast<Int>(columns.size());
    for (Int j = 0; j < m; ++j) {
        const Column c = columns[j];
        const double* from = c.data + first;
        for (Int i = 0; i < rows; ++i) buffer[i * m + j] = (from[i] - c.centre) * c.scale;
    }
}

bool is_plain_one(const std::vector<Column>& z) { return z.size() == 1 && z[0].data == nullptr; }

void row_values(const std::vector<Column>& z, Int i, double* out) {
    for (std::size_t j = 0; j < z.size(); ++j) out[j] = z[j].data ? (z[j].data[i] - z[j].centre) * z[j].scale : 1.0;
}

}  // namespace

HENDERSON_WIDE Moments moments(const double* x, Int n) {
    Moments out{0, 0, x[0], x[0]};
    for (Int first = 0; first < n; first += block_rows) {  // sums of block sums: rounding grows with their number only
        const Int last = std::min(n, first + block_rows);
        double sum[4] = {}, square[4] = {};
        Int i = first;
        for (; i + 3 < last; i += 4)
            for (int l = 0; l < 4; ++l) {
                const double v = x[i + l];
                sum[l] += v, square[l] += v * v;
            }
        for (; i < last; ++i) sum[0] += x[i], square[0] += x[i] * x[i];
        out.mean += (sum[0] + sum[1]) + (sum[2] + sum[3]);
        out.square += (square[0] + square[1]) + (square[2] + square[3]);
        for (i = first; i < last; ++i) out.least = std::min(out.least, x[i]), out.largest = std::max(out.largest, x[i]);
    }
    out.mean /= static_cast<double>(n), out.square /= static_cast<double>(n);
    return out;
}

namespace {

// out (m x m), one triangle, += sum over the rows from `begin` to `end`
void add_products(const std::vector<Column>& x, const double* weights, Int begin, Int end, double* out) {
    const Int m = static_cast<Int>(x.size());
    std::vector<double> buffer(m * block_rows);  // (rows x m) column-major
    for (Int first = begin; first < end; first += block_rows) {
        const Int rows = std::min(block_rows, end - first);
        for (Int j = 0; j < m; ++j) {
            const Column c = x[j];
            const double* from = c.data + first;
            double* to = &buffer[j * block_rows];
            if (weights)
                for (Int i = 0; i < rows; ++i) to[i] = (from[i] - c.centre) * c.scale * std::sqrt(weights[first + i]);
            else
                for (Int i = 0; i < rows; ++i) to[i] = (from[i] - c.centre) * c.scale;
        }
        lapack::syrk_transposed(1, m, rows, buffer.data(), block_rows, out, m);
    }
}

// Levels of a grouping and where their sums are formed.
struct LevelSums {
    Int from, to;
    int k, m;
    double *zz, *zx;
};

// The sums of a block of rows, of which xb and zb (nothing for a plain one) hold the columns; row_of(i) is the i-th of them.
template <class RowOf>
inline void add_rows(const LevelSums& sums, const int* codes, const double* weights, Int rows, RowOf row_of, const double* xb,
                     const double* zb) {
    const int k = sums.k, m = sums.m;
    double *zz = sums.zz, *zx = sums.zx;
    for (Int i = 0; i < rows; ++i) {
        const Int row = row_of(i), g = codes[row];
        const double w = weights ? weights[row] : 1.0;
        const double* xi = xb + i * m;
        if (!zb) {
            zz[g] += w;
            double* to = zx + g * m;
            for (int j = 0; j < m; ++j) to[j] += w * xi[j];
            continue;
        }
        const double* zi = zb + i * k;
        double *to_z = zz + g * k * k, *to_x = zx + g * k * m;
        for (int a = 0; a < k; ++a) {
            const double wz = w * zi[a];
            for (int b = 0; b < k; ++b) to_z[a * k + b] += wz * zi[b];
            for (int j = 0; j < m; ++j) to_x[a * m + j] += wz * xi[j];
        }
    }
}

// buffer (rows x m) row-major := transformed columns of the chosen rows
void gather_chosen(const std::vector<Column>& columns, const std::vector<Int>& chosen, Int rows, double* buffer) {
    const Int m = static_cast<Int>(columns.size());
    for (Int j = 0; j < m; ++j) {
        const Column c = columns[j];
        for (Int i = 0; i < rows; ++i) buffer[i * m + j] = (c.data[chosen[i]] - c.centre) * c.scale;
    }
}

HENDERSON_WIDE void add_every_level(const int* codes, const std::vector<Column>& z, const std::vector<Column>& x,
                                           const double* weights, Int n, const LevelSums& sums) {
    const bool one = is_plain_one(z);
    std::vector<double> xb(block_rows * sums.m), zb(block_rows * sums.k);
    for (Int first = 0; first < n; first += block_rows) {
        const Int rows = std::min(block_rows, n - first);
        gather(x, first, rows, xb.data());
        if (!one) gather(z, first, rows, zb.data());
        add_rows(sums, codes, weights, rows, [&](Int i) { return first + i; }, xb.data(), one ? nullptr : zb.data());
    }
}

// The sums of some of the levels only.
HENDERSON_WIDE void add_levels(const int* codes, const std::vector<Column>& z, const std::vector<Column>& x, const double* weights,
                               Int n, const LevelSums& sums) {
    const bool one = is_plain_one(z);
    std::vector<double> xb(block_rows * sums.m), zb(block_rows * sums.k);
    std::vector<Int> chosen(block_rows);
    for (Int first = 0; first < n; first += block_rows) {
        const Int last = std::min(n, first + block_rows);
        Int rows = 0;
        for (Int i = first; i < last; ++i) {  // without a branch: which rows are ours cannot be guessed
            chosen[rows] = i;
            rows += (codes[i] >= sums.from) & (codes[i] < sums.to);
        }
        gather_chosen(x, chosen, rows, xb.data());
        if (!one) gather_chosen(z, chosen, rows, zb.data());
        add_rows(sums, codes, weights, rows, [&](Int i) { return chosen[i]; }, xb.data(), one ? nullptr : zb.data());
    }
}

}  // namespace

void cross_products(const std::vector<Column>& x, const double* weights, Int n, double* out, int threads) {
    const Int m = static_cast<Int>(x.size()), piece = 128 * block_rows, pieces = (n + piece - 1) / piece;
    std::fill(out, out + m * m, 0.0);
    std::vector<double> part(pieces * m * m, 0.0);
    in_parallel(threads, pieces, [&](Int b) {
        add_products(x, weights, b * piece, std::min(n, (b + 1) * piece), &part[b * m * m]);
    });
    for (Int b = 0; b < pieces; ++b)
        for (Int i = 0; i < m * m; ++i) out[i] += part[b * m * m + i];
    for (Int j = 0; j < m; ++j)  // the routine fills one triangle
        for (Int i = j + 1; i < m; ++i) out[i * m + j] = out[j * m + i];
}

void grouped_products(const int* codes, Int levels, const std::vector<Column>& z, const std::vector<Column>& x,
                      const double* weights, Int n, double* zz, double* zx, int threads) {
    const int k = static_cast<int>(z.size()), m = static_cast<int>(x.size());
    std::fill(zz, zz + levels * k * k, 0.0);
    std::fill(zx, zx + levels * k * m, 0.0);
    if (threads == 1) return add_every_level(codes, z, x, weights, n, {0, levels, k, m, zz, zx});
    const Int shares = std::min(Int{threads}, levels);
    in_parallel(threads, shares, [&](Int t) {
        add_levels(codes, z, x, weights, n, {t * levels / shares, (t + 1) * levels / shares, k, m, zz, zx});
    });
}

namespace {

// first row of every level in an order sorted by level
std::vector<Int> buckets(const int* codes, Int levels, Int n) {
    std::vector<Int> out(levels + 1, 0);
    for (Int i = 0; i < n; ++i) ++out[codes[i] + 1];
    std::partial_sum(out.begin(), out.end(), out.begin());
    return out;
}

// The partners of every level of the first grouping, ascending, each as often as it occurs: sorted by the second grouping,
// then dealt out to the levels of the first.
std::vector<int> sorted_partners(const int* first, const std::vector<Int>& bucket, const int* second, Int levels_second, Int n) {
    std::vector<int> by_second(n), out(n);
    {
        std::vector<Int> next = buckets(second, levels_second, n);
        for (Int i = 0; i < n; ++i) by_second[next[second[i]]++] = first[i];
    }
    const std::vector<Int> start = buckets(second, levels_second, n);
    std::vector<Int> next(bucket.begin(), bucket.end() - 1);
    for (Int h = 0; h < levels_second; ++h)
        for (Int r = start[h]; r < start[h + 1]; ++r) out[next[by_second[r]]++] = static_cast<int>(h);
    return out;
}

// Repeated partners become one; how often each occurred goes to `counts`, which stays empty when none is repeated.
std::vector<Int> compress(const std::vector<Int>& bucket, std::vector<int>& partner, std::vector<int>& counts) {
    std::vector<Int> start(1, 0);
    start.reserve(bucket.size());
    bool repeated = false;
    for (std::size_t g = 0; g + 1 < bucket.size() && !repeated; ++g)
        for (Int r = bucket[g] + 1; r < bucket[g + 1]; ++r) repeated |= partner[r] == partner[r - 1];
    if (!repeated) return bucket;
    counts.reserve(partner.size());
    Int to = 0;
    for (std::size_t g = 0; g + 1 < bucket.size(); ++g) {
        for (Int r = bucket[g]; r < bucket[g + 1]; ++r)
            if (r > bucket[g] && partner[r] == partner[to - 1])
                ++counts.back();
            else
                partner[to++] = partner[r], counts.push_back(1);
        start.push_back(to);
    }
    partner.resize(to);
    return start;
}

}  // namespace

HENDERSON_WIDE PairProducts pair_products(const int* first, Int levels_first, const std::vector<Column>& z_first, const int* second,
                           Int levels_second, const std::vector<Column>& z_second, const double* weights, Int n) {
    const std::vector<Int> bucket = buckets(first, levels_first, n);
    PairProducts out;
    std::vector<int> counts;
    out.partner = sorted_partners(first, bucket, second, levels_second, n);
    out.start = compress(bucket, out.partner, counts);
    if (is_plain_one(z_first) && is_plain_one(z_second) && !weights) {
        out.blocks.assign(counts.begin(), counts.end());  // none: every pair occurs once
        if (out.partner.size() < out.partner.capacity() / 2) out.partner.shrink_to_fit();
        return out;
    }
    counts = std::vector<int>();
    std::vector<int> order(n);
    std::vector<Int> next(bucket.begin(), bucket.end() - 1);
    for (Int i = 0; i < n; ++i) order[next[first[i]]++] = static_cast<int>(i);

    const int ka = static_cast<int>(z_first.size()), kb = static_cast<int>(z_second.size());
    std::vector<double> za(ka), zb(kb);
    std::vector<Int> place(levels_second);
    out.blocks.assign(out.partner.size() * ka * kb, 0.0);
    for (Int g = 0; g < levels_first; ++g) {
        for (Int e = out.start[g]; e < out.start[g + 1]; ++e) place[out.partner[e]] = e;
        for (Int r = bucket[g]; r < bucket[g + 1]; ++r) {
            const Int i = order[r];
            row_values(z_first, i, za.data());
            row_values(z_second, i, zb.data());
            multiply_add(weights ? weights[i] : 1.0, za.data(), zb.data(), &out.blocks[place[second[i]] * ka * kb], ka, 1, kb);
        }
    }
    return out;
}

}  // namespace henderson
