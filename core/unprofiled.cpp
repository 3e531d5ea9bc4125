#include "unprofiled.hpp"

#include <cmath>

namespace henderson {

namespace {

using Blocks = std::vector<std::vector<double>>;

// sum over levels of e e'
Blocks score_products(const Symbolic& s, const Workspace& w) {
    Blocks E(s.K.size());
    for (std::size_t g = 0; g < E.size(); ++g) E[g].assign(s.K[g] * s.K[g], 0.0);
    for (int v = 0; v < s.nodes; ++v) {
        const double* e = &w.result.e[s.at[v]];
        multiply_add_nt(1, e, e, E[s.grouping[v]].data(), s.k(v), 1, s.k(v));
    }
    return E;
}

// Entries of E Lambda at the places of theta
std::vector<double> times_lambda(const Symbolic& s, const Blocks& E, const std::vector<ThetaEntry>& entries, const double* theta) {
    std::vector<double> out(entries.size(), 0.0);
    for (std::size_t i = 0; i < entries.size(); ++i)
        for (std::size_t j = 0; j < entries.size(); ++j)
            if (entries[j].grouping == entries[i].grouping && entries[j].column == entries[i].column)
                out[i] += E[entries[i].grouping][entries[i].row * s.K[entries[i].grouping] + entries[j].row] * theta[j];
    return out;
}

// M + M' for two entries in one column of one term
double pair_in_a_column(const Symbolic& s, const Blocks& M, const ThetaEntry& a, const ThetaEntry& b) {
    if (a.term != b.term || a.column != b.column) return 0;
    const int k = s.K[a.grouping];
    return M[a.grouping][a.row * k + b.row] + M[a.grouping][b.row * k + a.row];
}

}  // namespace

void unprofile(const Symbolic& s, const std::vector<ThetaEntry>& entries, const double* theta, double tau, double n,
               double constant, const Workspace& w, Unprofiled& out) {
    const auto& at = w.result;
    const std::size_t k = entries.size(), m = k + 1;
    const double sigma2 = std::exp(2 * tau), r2 = at.r2, gap = n / r2 - 1 / sigma2, share = r2 / n / sigma2;
    const Blocks E = score_products(s, w);
    const auto EL = times_lambda(s, E, entries, theta);
    out.value = at.logdet_omega + constant + 2 * n * tau + r2 / sigma2;
    out.M = w.M;
    for (std::size_t g = 0; g < E.size(); ++g)
        for (std::size_t i = 0; i < E[g].size(); ++i) out.M[g][i] += gap * E[g][i];
    out.slope.assign(m, 2 * n - 2 * r2 / sigma2);
    out.curvature.assign(m * m, 4 * r2 / sigma2);
    for (std::size_t i = 0; i < k; ++i) {
        out.slope[1 + i] = at.gradient[i] + 2 * gap * EL[i];
        out.curvature[1 + i] = out.curvature[(1 + i) * m] = 4 / sigma2 * EL[i];
        for (std::size_t j = 0; j < k; ++j) {
            const double profiled = at.curvature[i * k + j] - pair_in_a_column(s, w.M, entries[i], entries[j]);
            out.curvature[(1 + i) * m + 1 + j] = share * (profiled + 4 * n / (r2 * r2) * EL[i] * EL[j]) +
                                                 pair_in_a_column(s, out.M, entries[i], entries[j]);
        }
    }
}

}  // namespace henderson
