#include "iterative.hpp"

#include <algorithm>

namespace henderson {

namespace {

// t (lanes) += weight * x
inline void add_row(double weight, const double* __restrict x, double* __restrict t) {
    for (int l = 0; l < lanes; ++l) t[l] += weight * x[l];
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
            std::fill(BA.begin(), BA.end(), 0.0);
            multiply_add(1, B + g * K * K, A, BA.data(), K, K, k);
            multiply_add_tn(1, A, BA.data(), block, k, K, k);
        }
}

}  // namespace henderson
