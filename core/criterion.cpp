#include "criterion.hpp"

#include <algorithm>

#include "lapack.hpp"
#include "triangle.hpp"

namespace henderson {

namespace {

// An exactly zero pivot of Lambda is an ordinary point of the criterion, but the derivatives need quotients by it; at
// this floor the criterion moves by less than rounding and the quotients keep eight digits.
constexpr double diagonal_floor = 1e-8;
// A residual sum of squares below this share of y'y is rounding, not information.
constexpr double no_digits = 1e-14;
constexpr double two_pi = 6.283185307179586476925286766559;

void set_lambda(const Symbolic& s, const std::vector<ThetaEntry>& entries, const double* theta, bool floored, Factor& f) {
    f.lambda.resize(s.K.size());
    for (std::size_t g = 0; g < s.K.size(); ++g) f.lambda[g].assign(s.K[g] * s.K[g], 0.0);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto& t = entries[i];
        double value = theta[i];
        if (floored && t.pivot && std::abs(value) < diagonal_floor) value = std::copysign(diagonal_floor, value);
        f.lambda[t.grouping][t.row * s.K[t.grouping] + t.column] = value;
    }
}

// G (m x m, lower, row-major) := xx - R'R for R (q x m) row-major
void bordered_complement(const CrossXY& xy, const double* R, Int q, double* G) {
    const int m = xy.p + 1;
    std::copy(xy.xx, xy.xx + m * m, G);
    if (q * m > 400) {  // row-major lower is column-major upper: compute the lower of the transpose, then mirror
        lapack::gemm('N', 'T', -1, m, m, q, R, m, R, m, 1, G, m);
        return;
    }
    for (Int i = 0; i < q; ++i)
        for (int a = 0; a < m; ++a)
            for (int b = 0; b <= a; ++b) G[a * m + b] -= R[i * m + a] * R[i * m + b];
}

// Mixed-model equations: [beta; u], r2 and both log-determinants.
Status solve_equations(const Symbolic& s, const CrossXY& xy, Workspace& w) {
    const int p = xy.p, m = p + 1;
    auto& out = w.result;
    w.R = w.azx;
    scale(s, w.factor, true, w.R.data(), m);
    solve_forward(s, w.factor, w.R.data(), m);  // [R_ZX, c_u]
    out.rx.resize(m * m);
    bordered_complement(xy, w.R.data(), s.q, out.rx.data());
    double* L = out.rx.data();
    for (int j = 0; j < p; ++j) {  // Cholesky by columns, so that the failing column is the one that is collinear
        double d = L[j * m + j];
        for (int l = 0; l < j; ++l) d -= L[j * m + l] * L[j * m + l];
        if (!(d > 0)) return Status::x_not_full_rank;
        d = std::sqrt(d);
        L[j * m + j] = d;
        for (int i = j + 1; i < m; ++i) {
            double t = L[i * m + j];
            for (int l = 0; l < j; ++l) t -= L[i * m + l] * L[j * m + l];
            L[i * m + j] = t / d;
        }
    }
    out.r2 = L[p * m + p];
    for (int l = 0; l < p; ++l) out.r2 -= L[p * m + l] * L[p * m + l];
    if (!(out.r2 > no_digits * xy.xx[m * m - 1])) return Status::no_residual;

    out.beta.assign(L + p * m, L + p * m + p);
    for (int i = p - 1; i >= 0; --i) {
        for (int l = i + 1; l < p; ++l) out.beta[i] -= L[l * m + i] * out.beta[l];
        out.beta[i] /= L[i * m + i];
    }
    out.u.resize(s.q);
    for (Int i = 0; i < s.q; ++i) {
        double t = w.R[i * m + p];
        for (int j = 0; j < p; ++j) t -= w.R[i * m + j] * out.beta[j];
        out.u[i] = t;
    }
    solve_backward(s, w.factor, out.u.data(), 1);
    out.logdet_omega = w.factor.logdet;
    out.logdet_rx = 0;
    for (int j = 0; j < p; ++j) out.logdet_rx += 2 * std::log(L[j * m + j]);
    return Status::ok;
}

std::vector<Triangle> triangles(const Symbolic& s, const std::vector<ThetaEntry>& entries, const Factor& f) {
    std::vector<Triangle> out;
    for (std::size_t g = 0; g < s.K.size(); ++g) out.emplace_back(entries, static_cast<int>(g), s.K[g], f.lambda[g]);
    return out;
}

bool is_regular(const std::vector<ThetaEntry>& entries, const double* theta) {
    for (std::size_t i = 0; i < entries.size(); ++i)
        if (entries[i].pivot && !(std::abs(theta[i]) >= regular_pivot)) return false;
    return true;
}

// e = Z'W(y - X beta - Z Lambda u)
void residual_scores(const Symbolic& s, const CrossZ& A, const CrossXY& xy, Workspace& w) {
    const int p = xy.p, m = p + 1;
    auto& out = w.result;
    w.Lambda_u = out.u;
    scale(s, w.factor, false, w.Lambda_u.data(), 1);
    out.e.resize(s.q);
    multiply(s, A, w.Lambda_u.data(), out.e.data(), 1);
    for (Int i = 0; i < s.q; ++i) {
        double t = w.azx[i * m + p] - out.e[i];
        for (int j = 0; j < p; ++j) t -= w.azx[i * m + j] * out.beta[j];
        out.e[i] = t;
    }
}

// The same from Lambda'e = u
void divided_scores(const Symbolic& s, const std::vector<Triangle>& root, Workspace& w) {
    auto& out = w.result;
    w.Lambda_u = out.u;
    out.e.assign(s.q, 0.0);
    for (int v = 0; v < s.nodes; ++v) root[s.grouping[v]].divide(1, &w.Lambda_u[s.at[v]], &out.e[s.at[v]], 1);
}

// REML: X borders Omega. With K = Omega^-1 Lambda' A_ZX R_XX^-1 this adds [(A Lambda K - A_ZX R_XX^-1)]_g K_g' to F;
// the bracket is -Lambda^-T K by the definition of K, so that A need not be multiplied again.
void add_border(const Symbolic& s, const CrossXY& xy, const std::vector<Triangle>& root, Workspace& w) {
    const int p = xy.p, m = p + 1;
    w.K.resize(s.q * p);
    for (Int i = 0; i < s.q; ++i) {
        std::copy_n(&w.R[i * m], p, &w.K[i * p]);
        times_inverse_rx(w.result.rx.data(), p, m, &w.K[i * p]);
    }
    solve_backward(s, w.factor, w.K.data(), p);
    std::vector<std::vector<double>> KK(s.K.size());
    for (std::size_t g = 0; g < s.K.size(); ++g) KK[g].assign(s.K[g] * s.K[g], 0.0);
    for (int v = 0; v < s.nodes; ++v)
        multiply_add_nt(1, &w.K[s.at[v] * p], &w.K[s.at[v] * p], KK[s.grouping[v]].data(), s.k(v), p, s.k(v));
    for (std::size_t g = 0; g < s.K.size(); ++g) root[g].divide(-1, KK[g].data(), w.F[g].data(), s.K[g]);
}

// sum_g (A Lambda S)_gg from Lambda'(A Lambda S) = I - S
void divided_traces(const Symbolic& s, const std::vector<Triangle>& root, Workspace& w) {
    std::vector<std::vector<double>> rest(s.K.size());
    trace_complements(s, w.factor, rest);
    for (std::size_t g = 0; g < s.K.size(); ++g) {
        w.F[g].assign(s.K[g] * s.K[g], 0.0);
        root[g].divide(1, rest[g].data(), w.F[g].data(), s.K[g]);
    }
}

// F_i = sum_g (A T S)_gg - sum_g e_g u_g' / sigma2; the gradient is 2 F at the free entries.
void differentiate(const Symbolic& s, const CrossZ& A, const CrossXY& xy, const std::vector<ThetaEntry>& entries,
                   const std::vector<Triangle>& root, bool regular, Workspace& w) {
    auto& out = w.result;
    w.F.resize(s.K.size()), w.EU.resize(s.K.size());
    invert_selected(s, w.factor, regular);
    if (regular)
        divided_traces(s, root, w);
    else
        trace_products(s, A, w.factor, w.F);
    if (xy.reml && xy.p > 0) add_border(s, xy, root, w);
    for (std::size_t g = 0; g < s.K.size(); ++g) w.EU[g].assign(s.K[g] * s.K[g], 0.0);
    for (int v = 0; v < s.nodes; ++v)
        multiply_add_nt(1, &out.e[s.at[v]], &out.u[s.at[v]], w.EU[s.grouping[v]].data(), s.k(v), 1, s.k(v));
    const double sigma2 = out.r2 / xy.nu;
    for (std::size_t g = 0; g < s.K.size(); ++g)
        for (std::size_t i = 0; i < w.F[g].size(); ++i) w.F[g][i] -= w.EU[g][i] / sigma2;
    out.gradient.resize(entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i)
        out.gradient[i] = 2 * w.F[entries[i].grouping][entries[i].row * s.K[entries[i].grouping] + entries[i].column];
}

// w_j = D_j u + Lambda D_j' e, the derivative of the marginal covariance applied to the residual (q x n_theta)
void derivative_directions(const Symbolic& s, const std::vector<ThetaEntry>& entries, Workspace& w) {
    const Int m = static_cast<Int>(entries.size());
    const auto& out = w.result;
    w.W.assign(s.q * m, 0.0);
    for (int v = 0; v < s.nodes; ++v) {
        const int g = s.grouping[v], k = s.k(v);
        const double *u = &out.u[s.at[v]], *e = &out.e[s.at[v]], *lambda = w.factor.lambda[g].data();
        for (Int j = 0; j < m; ++j) {
            if (entries[j].grouping != g) continue;
            const int a = entries[j].row, b = entries[j].column;
            double* column = &w.W[s.at[v] * m + j];
            column[a * m] += u[b];
            for (int i = 0; i < k; ++i) column[i * m] += lambda[i * k + b] * e[a];
        }
    }
}

// Columns of W that are not zero in the rows of each grouping: first, count
std::vector<Span> columns_of(const Symbolic& s, const std::vector<ThetaEntry>& entries) {
    std::vector<Span> out(s.K.size(), Span{0, 0});
    for (int i = 0; i < static_cast<int>(entries.size()); ++i) {
        Span& span = out[entries[i].grouping];
        if (span.count == 0) span.first = i;
        span.count = i + 1 - span.first;
    }
    return out;
}

// Q = w' (Z'PZ) w / sigma2
void quadratic_forms(const Symbolic& s, const CrossZ& A, const CrossXY& xy, const std::vector<ThetaEntry>& entries, Workspace& w) {
    const Int m = static_cast<Int>(entries.size());
    auto& out = w.result;
    const int p = xy.p, mx = p + 1;
    out.curvature.assign(m * m, 0.0);
    w.AW.resize(s.q * m);
    multiply_blocks(s, A, columns_of(s, entries), w.W.data(), w.AW.data(), m);
    std::vector<double> y2(p * m, 0.0);  // starts as A_XZ W
    double* H = out.curvature.data();
    const bool big = s.q * m > 400;
    if (big) {
        lapack::gemm('N', 'T', 1, m, m, s.q, w.W.data(), m, w.AW.data(), m, 0, H, m);
        if (p > 0) lapack::gemm('N', 'T', 1, m, p, s.q, w.W.data(), m, w.azx.data(), mx, 0, y2.data(), m);
    } else {
        for (Int i = 0; i < s.q; ++i) {
            multiply_add_tn(1, &w.W[i * m], &w.AW[i * m], H, static_cast<int>(m), 1, static_cast<int>(m));
            multiply_add_tn(1, &w.azx[i * mx], &w.W[i * m], y2.data(), p, 1, static_cast<int>(m));
        }
    }
    scale(s, w.factor, true, w.AW.data(), m);
    solve_forward(s, w.factor, w.AW.data(), m);  // y1
    if (big) {
        lapack::gemm('N', 'T', -1, m, m, s.q, w.AW.data(), m, w.AW.data(), m, 1, H, m);
        if (p > 0) lapack::gemm('N', 'T', -1, m, p, s.q, w.AW.data(), m, w.R.data(), mx, 1, y2.data(), m);
    } else {
        for (Int i = 0; i < s.q; ++i) {
            multiply_add_tn(-1, &w.AW[i * m], &w.AW[i * m], H, static_cast<int>(m), 1, static_cast<int>(m));
            multiply_add_tn(-1, &w.R[i * mx], &w.AW[i * m], y2.data(), p, 1, static_cast<int>(m));
        }
    }
    const double* L = out.rx.data();
    for (int i = 0; i < p; ++i)
        for (Int j = 0; j < m; ++j) {
            double t = y2[i * m + j];
            for (int l = 0; l < i; ++l) t -= L[i * mx + l] * y2[l * m + j];
            y2[i * m + j] = t / L[i * mx + i];
        }
    multiply_add_tn(-1, y2.data(), y2.data(), H, static_cast<int>(m), p, static_cast<int>(m));
    const double sigma2 = out.r2 / xy.nu;
    for (double& h : out.curvature) h /= sigma2;
}

// M := F Lambda^-1
std::vector<double> divide_by_lambda(const std::vector<double>& F, const Triangle& t) {
    const int k = static_cast<int>(t.pivot.size());
    std::vector<double> X = F, M(k * k);
    solve_rows_transposed(t.L.data(), X.data(), k, k);
    for (int i = 0; i < k; ++i)
        for (int a = 0; a < k; ++a) M[i * k + t.pivot[a]] = X[i * k + a];
    return M;
}

// H = Q + C - nu s s', C_jk = 2 (M_i)_{row j, row k} within a column of a term, M_i = F_i Lambda_i^-1
void curve(const Symbolic& s, const CrossZ& A, const CrossXY& xy, const std::vector<ThetaEntry>& entries,
           const std::vector<Triangle>& root, Workspace& w) {
    auto& out = w.result;
    const Int m = static_cast<Int>(entries.size());
    derivative_directions(s, entries, w);
    quadratic_forms(s, A, xy, entries, w);
    auto& M = w.M;
    M.resize(s.K.size());
    for (std::size_t g = 0; g < M.size(); ++g)
        M[g] = divide_by_lambda(w.F[g], root[g]);
    for (Int i = 0; i < m; ++i)
        for (Int j = 0; j < m; ++j) {
            const auto &a = entries[i], &b = entries[j];
            const int k = s.K[a.grouping];
            double& h = out.curvature[i * m + j];
            if (a.term == b.term && a.column == b.column)
                h += M[a.grouping][a.row * k + b.row] + M[a.grouping][b.row * k + a.row];
            const double sa = -2 * w.EU[a.grouping][a.row * k + a.column] / out.r2;
            const double sb = -2 * w.EU[b.grouping][b.row * s.K[b.grouping] + b.column] / out.r2;
            h -= xy.nu * sa * sb;
        }
}

}  // namespace

void evaluate(const Symbolic& s, const CrossZ& A, const CrossXY& xy, const std::vector<ThetaEntry>& entries,
              const double* theta, int derivatives, Workspace& w) {
    auto& out = w.result;
    set_lambda(s, entries, theta, derivatives > 0, w.factor);
    out.status = Status::omega_not_definite;
    if (!factorise(s, A, w.factor)) return;
    w.azx.resize(s.q * (xy.p + 1));
    to_elimination_order(s, xy.zx, w.azx.data(), xy.p + 1);
    out.status = solve_equations(s, xy, w);
    if (out.status != Status::ok) return;
    out.value = out.logdet_omega + (xy.reml ? out.logdet_rx : 0) + xy.nu * (1 + std::log(two_pi * out.r2 / xy.nu));
    if (derivatives == 0) return residual_scores(s, A, xy, w);
    const auto root = triangles(s, entries, w.factor);
    const bool regular = is_regular(entries, theta);
    if (regular)
        divided_scores(s, root, w);
    else
        residual_scores(s, A, xy, w);
    differentiate(s, A, xy, entries, root, regular, w);
    if (derivatives > 1) curve(s, A, xy, entries, root, w);
}

}  // namespace henderson
