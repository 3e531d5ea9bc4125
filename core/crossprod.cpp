#include "crossprod.hpp"

#include <algorithm>
#include <numeric>

#include "lapack.hpp"

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

void cross_products(const std::vector<Column>& x, const double* weights, Int n, double* out) {
    const Int m = static_cast<Int>(x.size());
    std::fill(out, out + m * m, 0.0);
    std::vector<double> buffer(m * block_rows);  // (rows x m) column-major
    for (Int first = 0; first < n; first += block_rows) {
        const Int rows = std::min(block_rows, n - first);
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
    for (Int j = 0; j < m; ++j)  // the routine fills one triangle
        for (Int i = j + 1; i < m; ++i) out[i * m + j] = out[j * m + i];
}

HENDERSON_WIDE void grouped_products(const int* codes, Int levels, const std::vector<Column>& z, const std::vector<Column>& x,
                      const double* weights, Int n, double* zz, double* zx) {
    const int k = static_cast<int>(z.size()), m = static_cast<int>(x.size());
    std::fill(zz, zz + levels * k * k, 0.0);
    std::fill(zx, zx + levels * k * m, 0.0);
    const bool one = is_plain_one(z);
    std::vector<double> xb(block_rows * m), zb(block_rows * k);
    for (Int first = 0; first < n; first += block_rows) {
        const Int rows = std::min(block_rows, n - first);
        gather(x, first, rows, xb.data());
        if (!one) gather(z, first, rows, zb.data());
        for (Int i = 0; i < rows; ++i) {
            const Int g = codes[first + i];
            const double w = weights ? weights[first + i] : 1.0;
            const double* xi = &xb[i * m];
            if (one) {
                zz[g] += w;
                double* to = zx + g * m;
                for (int j = 0; j < m; ++j) to[j] += w * xi[j];
                continue;
            }
            const double* zi = &zb[i * k];
            double *to_z = zz + g * k * k, *to_x = zx + g * k * m;
            for (int a = 0; a < k; ++a) {
                const double wz = w * zi[a];
                for (int b = 0; b < k; ++b) to_z[a * k + b] += wz * zi[b];
                for (int j = 0; j < m; ++j) to_x[a * m + j] += wz * xi[j];
            }
        }
    }
}

HENDERSON_WIDE PairProducts pair_products(const int* first, Int levels_first, const std::vector<Column>& z_first, const int* second,
                           Int levels_second, const std::vector<Column>& z_second, const double* weights, Int n) {
    // rows in order of the first grouping (counting sort)
    std::vector<Int> bucket(levels_first + 1, 0);
    for (Int i = 0; i < n; ++i) ++bucket[first[i] + 1];
    std::partial_sum(bucket.begin(), bucket.end(), bucket.begin());
    std::vector<int> order(n);
    std::vector<Int> next(bucket.begin(), bucket.end() - 1);
    for (Int i = 0; i < n; ++i) order[next[first[i]]++] = static_cast<int>(i);

    const int ka = static_cast<int>(z_first.size()), kb = static_cast<int>(z_second.size());
    const bool ones = is_plain_one(z_first) && is_plain_one(z_second);
    std::vector<double> za(ka), zb(kb);
    PairProducts out;
    out.start.assign(1, 0);
    out.start.reserve(levels_first + 1);
    std::vector<Int> seen(levels_second, -1);
    std::vector<int> met;
    for (Int g = 0; g < levels_first; ++g) {
        met.clear();
        for (Int r = bucket[g]; r < bucket[g + 1]; ++r) {
            const int h = second[order[r]];
            if (seen[h] < out.start.back()) {
                seen[h] = out.start.back();
                met.push_back(h);
            }
        }
        std::sort(met.begin(), met.end());
        for (std::size_t e = 0; e < met.size(); ++e) seen[met[e]] = out.start.back() + static_cast<Int>(e);
        out.partner.insert(out.partner.end(), met.begin(), met.end());
        out.blocks.resize(out.partner.size() * ka * kb, 0.0);
        for (Int r = bucket[g]; r < bucket[g + 1]; ++r) {
            const Int i = order[r];
            const double w = weights ? weights[i] : 1.0;
            double* block = &out.blocks[seen[second[i]] * ka * kb];
            if (ones) {
                *block += w;
                continue;
            }
            row_values(z_first, i, za.data());
            row_values(z_second, i, zb.data());
            multiply_add(w, za.data(), zb.data(), block, ka, 1, kb);
        }
        out.start.push_back(static_cast<Int>(out.partner.size()));
    }
    out.partner.shrink_to_fit(), out.blocks.shrink_to_fit();
    return out;
}

}  // namespace henderson
