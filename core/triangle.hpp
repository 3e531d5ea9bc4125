// Lambda of one grouping as a triangle to divide by, and the like for R_XX.
#pragma once
#include "criterion.hpp"

namespace henderson {

// From this pivot on, quotients by Lambda keep all digits that matter: Lambda'e = u and Lambda'(A Lambda S) = I - S, which
// hold by definition, then give e and the traces without another pass over A.
constexpr double regular_pivot = 1e-2;

// Rows of Lambda in the order of the pivots: a lower triangle. pivot[b] is the row of Lambda that heads column b.
struct Triangle {
    std::vector<double> L;
    std::vector<int> pivot;

    Triangle(const std::vector<ThetaEntry>& entries, int grouping, int k, const std::vector<double>& lambda) : L(k * k), pivot(k) {
        for (const auto& t : entries)
            if (t.pivot && t.grouping == grouping) pivot[t.column] = t.row;
        for (int a = 0; a < k; ++a)
            for (int b = 0; b < k; ++b) L[a * k + b] = lambda[pivot[a] * k + b];
    }

    // out (k x m) += sign * Lambda^-T x; x is overwritten
    void divide(double sign, double* x, double* out, int m) const {
        const int k = static_cast<int>(pivot.size());
        solve_lower_transposed(L.data(), x, k, m);
        for (int a = 0; a < k; ++a)
            for (int j = 0; j < m; ++j) out[pivot[a] * m + j] += sign * x[a * m + j];
    }
};

// x (row of length p) := x R_XX^-1, with R_XX' = leading p x p of L
inline void times_inverse_rx(const double* L, int p, int m, double* x) {
    for (int i = 0; i < p; ++i) {
        for (int l = 0; l < i; ++l) x[i] -= L[i * m + l] * x[l];
        x[i] /= L[i * m + i];
    }
}

}  // namespace henderson
