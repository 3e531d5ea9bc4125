#include "iterative.hpp"

#include <algorithm>

namespace henderson {

namespace {

// t (lanes) += weight * x
inline void add_row(double weight, const double* __restrict x, double* __restrict t) {
    for (int l = 0; l < lanes; ++l) t[l] += weight * x[l];
}

// The next two for blocks that are one column, of intercepts and slopes of g by an intercept of h: K is known when
// compiled, so that the sums of a level, or the row of a partner, stay in registers.
template <int K>
inline void gather_column(const Partners& p, Int g, const double* base, double* t) {
    double sum[K * lanes] = {};
    for (Int e = p.start[g]; e < p.start[g + 1]; ++e)
        for (int a = 0; a < K; ++a)
            add_row(p.blocks[e * K + a], base + static_cast<Int>(p.partner[e]) * lanes, sum + a * lanes);
    for (int l = 0; l < K * lanes; ++l) t[l] += sum[l];
}

template <int K>
inline void scatter_column(const Partners& p, Int g, const double* s, double* base) {
    for (Int e = p.start[g]; e < p.start[g + 1]; ++e) {
        double* row = base + static_cast<Int>(p.partner[e]) * lanes;
        for (int l = 0; l < lanes; ++l) {
            double sum = 0;
            for (int a = 0; a < K; ++a) sum += p.blocks[e * K + a] * s[a * lanes + l];
            row[l] += sum;
        }
    }
}

// a'Ba
inline double quadratic_form(const double* a, const double* B, int K) {
    double sum = 0;
    for (int i = 0; i < K; ++i)
        for (int j = 0; j < K; ++j) sum += a[i] * B[i * K + j] * a[j];
    return sum;
}

// t (K x lanes) += sum over the partners of level g of A_gh x_h
inline void gather(const Partners& p, int K, Int g, const double* x, double* t) {
    const double* base = x + p.at * lanes;
    if (!p.blocks) {
        double sum[lanes] = {};
        for (Int e = p.start[g]; e < p.start[g + 1]; ++e) {
            const double* row = base + static_cast<Int>(p.partner[e]) * lanes;
            for (int l = 0; l < lanes; ++l) sum[l] += row[l];
        }
        add_row(p.same, sum, t);
        return;
    }
    if (p.K == 1 && K == 1) return gather_column<1>(p, g, base, t);
    if (p.K == 1 && K == 2) return gather_column<2>(p, g, base, t);
    const Int size = static_cast<Int>(K) * p.K;
    for (Int e = p.start[g]; e < p.start[g + 1]; ++e) {
        const double *row = base + static_cast<Int>(p.partner[e]) * p.K * lanes, *A = p.blocks + e * size;
        for (int a = 0; a < K; ++a)
            for (int b = 0; b < p.K; ++b) add_row(A[a * p.K + b], row + b * lanes, t + a * lanes);
    }
}

// out_h += A_gh' s for the partners of level g
inline void scatter(const Partners& p, int K, Int g, const double* s, double* out) {
    double* base = out + p.at * lanes;
    if (!p.blocks) {
        double scaled[lanes] = {};
        add_row(p.same, s, scaled);
        for (Int e = p.start[g]; e < p.start[g + 1]; ++e) {
            double* row = base + static_cast<Int>(p.partner[e]) * lanes;
            for (int l = 0; l < lanes; ++l) row[l] += scaled[l];
        }
        return;
    }
    if (p.K == 1 && K == 1) return scatter_column<1>(p, g, s, base);
    if (p.K == 1 && K == 2) return scatter_column<2>(p, g, s, base);
    const Int size = static_cast<Int>(K) * p.K;
    for (Int e = p.start[g]; e < p.start[g + 1]; ++e) {
        double* row = base + static_cast<Int>(p.partner[e]) * p.K * lanes;
        const double* A = p.blocks + e * size;
        for (int a = 0; a < K; ++a)
            for (int b = 0; b < p.K; ++b) add_row(A[a * p.K + b], s + a * lanes, row + b * lanes);
    }
}

}  // namespace

HENDERSON_WIDE void pass_levels(const std::vector<Partners>& others, int K, Int first, Int last, const double* x,
                                const double* B, const double* given, double* sums, double* out) {
    const Int wide = static_cast<Int>(K) * lanes;
    std::vector<double> t(wide), s(wide);
    for (Int g = first; g < last; ++g) {
        std::fill(t.begin(), t.end(), 0.0);
        if (x)
            for (const auto& p : others) gather(p, K, g, x, t.data());
        if (sums) std::copy(t.begin(), t.end(), sums + g * wide);
        if (!out) continue;
        const double* source = given ? given + g * wide : s.data();
        if (B) {
            std::fill(s.begin(), s.end(), 0.0);
            for (int a = 0; a < K; ++a)
                for (int b = 0; b < K; ++b) add_row(B[(g * K + a) * K + b], &t[b * lanes], &s[a * lanes]);
            source = s.data();
        }
        for (const auto& p : others) scatter(p, K, g, source, out);
    }
}

HENDERSON_WIDE void add_quadratic_blocks(const Partners& other, int K, Int first, Int last, const double* B, double* D) {
    const int k = other.K;
    std::vector<double> BA(static_cast<std::size_t>(K) * k);
    for (Int g = first; g < last; ++g)
        for (Int e = other.start[g]; e < other.start[g + 1]; ++e) {
            double* block = D + static_cast<Int>(other.partner[e]) * k * k;
            if (!other.blocks) {
                *block += other.same * other.same * B[g];
                continue;
            }
            const double* A = other.blocks + e * K * k;
            if (k == 1) {
                *block += quadratic_form(A, B + g * K * K, K);
                continue;
            }
            std::fill(BA.begin(), BA.end(), 0.0);
            multiply_add(1, B + g * K * K, A, BA.data(), K, K, k);
            multiply_add_tn(1, A, BA.data(), block, k, K, k);
        }
}

HENDERSON_WIDE void sum_quadratic_blocks(const Partners& other, int K, Int first, Int last, const double* D, double* T) {
    const int k = other.K;
    std::vector<double> AD(static_cast<std::size_t>(K) * k);
    for (Int g = first; g < last; ++g) {
        double* block = T + g * K * K;
        for (Int e = other.start[g]; e < other.start[g + 1]; ++e) {
            const double* Dh = D + static_cast<Int>(other.partner[e]) * k * k;
            if (!other.blocks) {
                *block += other.same * other.same * *Dh;
                continue;
            }
            const double* A = other.blocks + e * K * k;
            if (k == 1) {
                for (int a = 0; a < K; ++a)
                    for (int b = 0; b < K; ++b) block[a * K + b] += *Dh * A[a] * A[b];
                continue;
            }
            std::fill(AD.begin(), AD.end(), 0.0);
            multiply_add(1, A, Dh, AD.data(), K, k, k);
            multiply_add_nt(1, AD.data(), A, block, K, k, K);
        }
    }
}

}  // namespace henderson
