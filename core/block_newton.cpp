#include "block_newton.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "triangle.hpp"

namespace henderson {

namespace {

// The numbers of optim/newton.py, optim/search.py and optim/rectify.py.
constexpr double least_gain = 1e-4;  // share of the promised decrease
constexpr double polish_share = 1e-6, rounding = 1e-12;
constexpr int slow_from = 4, slow_steps = 2;
constexpr double well_conditioned = 1e-3;  // ratio of the pivots of a Cholesky factor
constexpr double near_the_end = 1e-3, linear = 0.02;
constexpr double worse_order = 4.0;   // optim/chart.py
constexpr double small_pivot = 1e-3;  // tried at zero
constexpr double flat = 1e-4;         // least slope by a variance that is worth a step

double norm(const std::vector<double>& x) {
    double s = 0;
    for (double v : x) s += v * v;
    return std::sqrt(s);
}

// One random-effects term within theta: lower triangle of a k x k factor, column by column; its rows, from `first` on
// within the block of the grouping, in the order of the present chart.
struct Term {
    int start, k, grouping, first;

    int at(int a, int b) const { return start + b * k - b * (b - 1) / 2 + (a - b); }
};

std::vector<Term> terms_of(const std::vector<ThetaEntry>& entries) {
    std::vector<Term> out;
    const int m = static_cast<int>(entries.size());
    for (int i = 0; i < m;) {
        int j = i, columns = 0, first = entries[i].row;
        for (; j < m && entries[j].term == entries[i].term; ++j) {
            columns += entries[j].pivot;
            first = std::min(first, entries[j].row);
        }
        out.push_back({i, columns, entries[i].grouping, first});
        i = j;
    }
    return out;
}

// Whether a row has much more variance left than the pivot of its column: then a new order of the rows is due.
bool wants_new_order(const Term& t, const double* theta) {
    std::vector<double> left(t.k, 0.0);
    double largest = 0;
    for (int a = 0; a < t.k; ++a) {
        double size = 0;
        for (int b = 0; b <= a; ++b) size += theta[t.at(a, b)] * theta[t.at(a, b)];
        largest = std::max(largest, size);
    }
    for (int b = t.k - 1; b >= 0; --b) {
        for (int a = b; a < t.k; ++a) left[a] += theta[t.at(a, b)] * theta[t.at(a, b)];
        for (int a = b + 1; a < t.k; ++a)
            if (left[a] > worse_order * left[b] + 1e-12 * largest) return true;
    }
    return false;
}

// Turns the columns b, b+1, ... of L (k x k) so that row b has a single entry there, not negative.
void reflect(std::vector<double>& L, int k, int b) {
    std::vector<double> v(L.begin() + b * k + b, L.begin() + b * k + k);
    double square = 0;
    for (double x : v) square += x * x;
    if (square == 0) return;
    v[0] += std::copysign(std::sqrt(square), v[0]);
    square = 0;
    for (double x : v) square += x * x;
    for (int a = b; a < k; ++a) {
        double along = 0;
        for (int j = b; j < k; ++j) along += L[a * k + j] * v[j - b];
        for (int j = b; j < k; ++j) L[a * k + j] -= along * 2 * v[j - b] / square;
    }
    if (L[b * k + b] < 0)
        for (int a = b; a < k; ++a) L[a * k + b] = -L[a * k + b];
    for (int j = b + 1; j < k; ++j) L[b * k + j] = 0;
}

// The same Lambda Lambda' with the row of most remaining variance first, column by column: theta and its chart change.
void reorder(const Term& t, std::vector<double>& theta, std::vector<ThetaEntry>& entries) {
    const int k = t.k;
    std::vector<double> L(k * k, 0.0);
    std::vector<int> row(k);
    for (int a = 0; a < k; ++a) {
        row[a] = entries[t.at(a, 0)].row;
        for (int b = 0; b <= a; ++b) L[a * k + b] = theta[t.at(a, b)];
    }
    for (int b = 0; b < k; ++b) {
        int best = b;
        double most = -1;
        for (int a = b; a < k; ++a) {
            double left = 0;
            for (int j = b; j < k; ++j) left += L[a * k + j] * L[a * k + j];
            if (left > most) most = left, best = a;
        }
        if (best != b) std::swap_ranges(L.begin() + b * k, L.begin() + (b + 1) * k, L.begin() + best * k);
        std::swap(row[b], row[best]);
        reflect(L, k, b);
    }
    for (int b = 0; b < k; ++b)
        for (int a = b; a < k; ++a) {
            theta[t.at(a, b)] = L[a * k + b];
            entries[t.at(a, b)].row = row[a];
        }
}

struct Model {
    std::vector<double> B, L, w, V, along, step;
    double predicted = 0;
    bool at_edge = false;

    bool newton(const std::vector<double>& g, double radius);
    void minimise(const std::vector<double>& g, double radius);
};

// Step -B^-1 g; false where B is not well conditioned or the step is longer than the radius.
bool Model::newton(const std::vector<double>& g, double radius) {
    const int m = static_cast<int>(g.size());
    L = B;
    if (!cholesky_in_place(L.data(), m)) return false;
    double least = L[0], most = L[0];
    for (int i = 1; i < m; ++i) {
        least = std::min(least, L[i * m + i]);
        most = std::max(most, L[i * m + i]);
    }
    if (!(least > well_conditioned * most)) return false;
    step = g;
    solve_lower(L.data(), step.data(), m, 1);
    solve_lower_transposed(L.data(), step.data(), m, 1);
    predicted = 0;
    for (int i = 0; i < m; ++i) {
        predicted += g[i] * step[i] / 2;
        step[i] = -step[i];
    }
    at_edge = false;
    return norm(step) <= radius;
}

// Minimises g's + s'Bs/2 over |s| <= radius, B of any signature, by its eigenvalues (More & Sorensen 1983).
void Model::minimise(const std::vector<double>& g, double radius) {
    if (newton(g, radius)) return;
    const int m = static_cast<int>(g.size());
    L = B, w.resize(m), V.resize(m * m), along.assign(m, 0.0);
    symmetric_eigen(L.data(), w.data(), V.data(), m);
    for (int i = 0; i < m; ++i)
        for (int j = 0; j < m; ++j) along[j] += V[i * m + j] * g[i];
    const auto [low, high] = std::minmax_element(w.begin(), w.end());
    const double scale = std::max(std::abs(*low), std::abs(*high));
    double shift = *low > 1e-10 * scale ? 0 : 1e-8 * scale - *low;
    auto length_at = [&](double by) {
        double s = 0;
        for (int i = 0; i < m; ++i) s += along[i] * along[i] / ((w[i] + by) * (w[i] + by));
        return std::sqrt(s);
    };
    for (double length = length_at(shift); length > radius * (1 + 1e-3); length = length_at(shift)) {
        double bend = 0;  // Newton on 1/length: from the left it never overshoots
        for (int i = 0; i < m; ++i) bend += along[i] * along[i] / ((w[i] + shift) * (w[i] + shift) * (w[i] + shift));
        shift += length * length / bend * (length - radius) / radius;
    }
    step.assign(m, 0.0);
    predicted = 0, at_edge = shift > 0;
    for (int j = 0; j < m; ++j) {
        const double c = -along[j] / (w[j] + shift);
        predicted -= along[j] * c + c * w[j] * c / 2;
        for (int i = 0; i < m; ++i) step[i] += V[i * m + j] * c;
    }
}

// Structured symmetric rank-one correction: the smallest C with (curvature + C) step = change of gradient.
void learn(std::vector<double>& C, const std::vector<double>& change, const std::vector<double>& curvature,
           const std::vector<double>& step) {
    const int m = static_cast<int>(step.size());
    if (C.empty()) C.assign(m * m, 0.0);
    std::vector<double> miss(change);
    double along = 0;
    for (int i = 0; i < m; ++i) {
        for (int j = 0; j < m; ++j) miss[i] -= (curvature[i * m + j] + C[i * m + j]) * step[j];
        along += miss[i] * step[i];
    }
    if (std::abs(along) <= 1e-8 * norm(miss) * norm(step)) return;
    for (int i = 0; i < m; ++i)
        for (int j = 0; j < m; ++j) C[i * m + j] += miss[i] * miss[j] / along;
}

// Sets small pivots, and all that is left after them, to zero; whether anything changed.
bool snap(const std::vector<Term>& terms, std::vector<double>& theta) {
    bool changed = false;
    for (const Term& t : terms) {
        int first = 0;
        while (first < t.k && std::abs(theta[t.at(first, first)]) >= small_pivot) ++first;
        for (int b = first; b < t.k; ++b)
            for (int a = b; a < t.k; ++a) {
                changed |= theta[t.at(a, b)] != 0;
                theta[t.at(a, b)] = 0;
            }
    }
    return changed;
}

// A lower bound of the least singular value of the columns that are not zero: equal values have the largest product.
double least_singular_value(const Term& t, int rank, const double* theta) {
    double determinant = 1, squares = 0;
    for (int b = 0; b < rank; ++b) {
        determinant *= std::abs(theta[t.at(b, b)]);
        for (int a = b; a < t.k; ++a) squares += theta[t.at(a, b)] * theta[t.at(a, b)];
    }
    if (rank == 1) return std::sqrt(squares);
    return squares > 0 ? determinant / std::pow(squares / (rank - 1), (rank - 1) / 2.0) : 0;
}

// Whether the criterion falls with no variance that is zero: with N a basis of the null space of Lambda', the least
// eigenvalue of N'MN on orthonormal N is above -flat if N'(M + flat I)N has a Cholesky factor. False in doubt.
bool stays_at_zero(const Term& t, const std::vector<ThetaEntry>& entries, const double* theta, int K, const double* M) {
    int rank = 0;
    while (rank < t.k && theta[t.at(rank, rank)] != 0) ++rank;
    if (rank > 0 && !(least_singular_value(t, rank, theta) >= small_pivot)) return false;
    const int k = t.k, zeros = k - rank;
    if (zeros == 0) return true;
    std::vector<double> N(k * zeros, 0.0), G(k * k), GN(k * zeros, 0.0), Q(zeros * zeros, 0.0);
    for (int j = 0; j < zeros; ++j) {  // N = [-L11^-T L21'; I], rows in the order of the chart
        N[(rank + j) * zeros + j] = 1;
        for (int i = rank - 1; i >= 0; --i) {
            double x = -theta[t.at(rank + j, i)];
            for (int l = i + 1; l < rank; ++l) x -= theta[t.at(l, i)] * N[l * zeros + j];
            N[i * zeros + j] = x / theta[t.at(i, i)];
        }
    }
    for (int a = 0; a < k; ++a)
        for (int b = 0; b < k; ++b) {
            const int i = entries[t.at(a, 0)].row, j = entries[t.at(b, 0)].row;
            G[a * k + b] = (M[i * K + j] + M[j * K + i]) / 2 + (a == b ? flat : 0);
        }
    multiply_add(1, G.data(), N.data(), GN.data(), k, k, zeros);
    multiply_add_tn(1, N.data(), GN.data(), Q.data(), zeros, k, zeros);
    return cholesky_in_place(Q.data(), zeros);
}

// Newton with average-information curvature in a trust region, as `minimise` of optim/newton.py.
struct Descent {
    const Shared& shared;
    std::vector<ThetaEntry>& entries;  // of the point
    const std::vector<Term> terms;
    Workspace& w;
    Search& out;
    Model model;
    std::vector<ThetaEntry> chart;  // of the trial
    std::vector<double> g, H, C, trial, change;
    std::vector<std::vector<double>> M;
    double radius = 0;
    int slow = 0;

    Descent(const Shared& shared_, std::vector<ThetaEntry>& entries_, Workspace& w_, Search& out_)
        : shared(shared_), entries(entries_), terms(terms_of(entries_)), w(w_), out(out_), chart(entries_) {}

    double value() const { return w.result.value + shared.constant; }
    static double scale(double f) { return std::max(1.0, std::abs(f) / 1000); }

    bool evaluate_trial(int derivatives) {
        const CrossXY xy{shared.p, shared.zx, shared.xx, shared.nu, shared.reml};
        evaluate(shared.s, shared.A, xy, chart, trial.data(), derivatives, w);
        ++out.evaluations;
        return w.result.status == Status::ok;
    }

    void keep_value() {
        out.theta = trial;
        out.value = value();
        out.r2 = w.result.r2;
        out.beta = w.result.beta;
    }

    void keep() {
        keep_value();
        entries = chart;
        g = w.result.gradient;
        H = w.result.curvature;
        M = w.M;
    }

    // The last step, taken by its value alone.
    void polish() {
        if (evaluate_trial(0) && value() <= out.value + rounding * std::max(1.0, std::abs(out.value))) keep_value();
    }

    bool minimise(const Tolerances& limits) {
        trial = out.theta;
        if (!evaluate_trial(2)) return false;
        keep();
        radius = std::max(1.0, norm(trial));
        for (int count = 2; out.evaluations < limits.most; ++count) {
            model.B = H;
            for (std::size_t i = 0; i < C.size(); ++i) model.B[i] += C[i];
            model.minimise(g, radius);
            for (std::size_t i = 0; i < trial.size(); ++i) trial[i] = out.theta[i] + model.step[i];
            if (model.predicted < limits.tol * scale(out.value)) {
                if (model.predicted > polish_share * limits.tol * scale(out.value)) polish();
                return true;
            }
            if (!take_step(count)) return false;
        }
        return false;
    }

    // Evaluates the trial and decides on it; false where the criterion grows without bound.
    bool take_step(int count) {
        bool same_chart = true;
        for (const Term& t : terms)
            if (t.k > 1 && wants_new_order(t, trial.data())) reorder(t, trial, chart), same_chart = false;
        const double length = norm(model.step);
        if (!evaluate_trial(2)) {
            radius = length / 4, chart = entries;
            return w.result.status != Status::no_residual;
        }
        const double gain = (out.value - value()) / model.predicted;
        const double shrinks = norm(w.result.gradient) / std::max(norm(g), std::numeric_limits<double>::min());
        const bool accept = gain > least_gain;
        slow += count > slow_from && (!accept || shrinks > 0.5);
        if (accept && model.predicted < near_the_end * scale(out.value) && shrinks > linear) slow = std::max(slow, slow_steps);
        if (!same_chart) {  // differences of gradients mean nothing across coordinates
            if (accept) C.clear();
        } else if (slow >= slow_steps) {
            change = w.result.gradient;
            for (std::size_t i = 0; i < change.size(); ++i) change[i] -= g[i];
            learn(C, change, accept ? w.result.curvature : H, model.step);
        }
        if (gain < 0.25)
            radius = length / 4;
        else if (gain > 0.75 && model.at_edge)
            radius = std::max(radius, 2.5 * length);
        if (accept)
            keep();
        else
            chart = entries;
        return true;
    }

    // Small pivots to zero where the criterion does not rise, and no variance that is zero would rather grow.
    Outcome rectify(double tol) {
        trial = out.theta;
        bool zeros = snap(terms, trial);
        if (zeros) {
            if (!evaluate_trial(2) || !(value() <= out.value + tol * scale(out.value))) return Outcome::careful;
            keep();
        }
        for (const Term& t : terms) {
            const int K = shared.s.K[t.grouping];
            if (!stays_at_zero(t, entries, out.theta.data(), K, M[t.grouping].data())) return Outcome::careful;
            zeros |= out.theta[t.at(t.k - 1, t.k - 1)] == 0;
        }
        return zeros ? Outcome::snapped : Outcome::plain;
    }
};

}  // namespace

void put(const Shared& shared, const Responses& y, Int i) {
    const int p = shared.p, m = p + 1;
    const Int q = shared.s.q;
    for (Int j = 0; j < q; ++j) shared.zx[j * m + p] = y.zy[i * q + j];
    for (int j = 0; j < p; ++j) shared.xx[p * m + j] = shared.xx[j * m + p] = y.xy[i * p + j];
    shared.xx[p * m + p] = y.yy[i];
}

Outcome search(const Shared& shared, std::vector<ThetaEntry>& entries, const Tolerances& limits, Search& search, Workspace& w) {
    Descent descent(shared, entries, w, search);
    search.evaluations = 0;
    return descent.minimise(limits) ? descent.rectify(limits.tol) : Outcome::careful;
}

namespace {

// Omega^-1 Lambda' Z'W X R_XX^-1 (q x p), elimination order, at the theta last evaluated
std::vector<double> whitened_solutions(const Shared& shared, Workspace& w) {
    const int p = shared.p, m = p + 1;
    std::vector<double> out(shared.s.q * p);
    for (Int i = 0; i < shared.s.q; ++i) {
        std::copy_n(&w.R[i * m], p, &out[i * p]);
        times_inverse_rx(w.result.rx.data(), p, m, &out[i * p]);
    }
    solve_backward(shared.s, w.factor, out.data(), p);
    return out;
}

// U R_XX^-1 = (Z'W X - A Lambda Omega^-1 Lambda' Z'W X) R_XX^-1, for any Lambda
std::vector<double> subtracted(const Shared& shared, Workspace& w, const std::vector<double>& solutions) {
    const int p = shared.p, m = p + 1;
    std::vector<double> scaled(solutions), out(solutions.size()), row(p);
    scale(shared.s, w.factor, false, scaled.data(), p);
    multiply(shared.s, shared.A, scaled.data(), out.data(), p);
    for (Int i = 0; i < shared.s.q; ++i) {
        std::copy_n(&w.azx[i * m], p, row.data());
        times_inverse_rx(w.result.rx.data(), p, m, row.data());
        for (int j = 0; j < p; ++j) out[i * p + j] = row[j] - out[i * p + j];
    }
    return out;
}

}  // namespace

void level_sums(const Shared& shared, const std::vector<ThetaEntry>& entries, Workspace& w, double* EE, double* UU) {
    const Symbolic& s = shared.s;
    const int p = shared.p, groupings = static_cast<int>(s.K.size());
    std::vector<double> solutions = whitened_solutions(shared, w), U, at_level;
    std::vector<Triangle> root;
    std::vector<bool> regular(groupings, true);
    std::vector<double*> ee(groupings), uu(groupings);
    for (int g = 0; g < groupings; ++g) {
        const int k = s.K[g];
        root.emplace_back(entries, g, k, w.factor.lambda[g]);
        for (int a = 0; a < k; ++a) regular[g] = regular[g] && std::abs(root[g].L[a * k + a]) >= regular_pivot;
        ee[g] = EE, uu[g] = UU;
        EE = std::fill_n(EE, k * k, 0.0);
        UU = std::fill_n(UU, k * k * p * p, 0.0);
    }
    if (std::find(regular.begin(), regular.end(), false) != regular.end()) U = subtracted(shared, w, solutions);
    for (int v = 0; v < s.nodes; ++v) {
        const int g = s.grouping[v], k = s.k(v);
        const double *e = &w.result.e[s.at[v]], *u = nullptr;
        multiply_add_nt(1, e, e, ee[g], k, 1, k);
        if (regular[g]) {  // U = Lambda^-T (...), which loses no digits when the random effects dominate
            at_level.assign(k * p, 0.0);
            root[g].divide(1, &solutions[s.at[v] * p], at_level.data(), p);
            u = at_level.data();
        } else {
            u = &U[s.at[v] * p];
        }
        for (int a = 0; a < k; ++a)
            for (int b = 0; b < k; ++b) multiply_add_nt(1, u + a * p, u + b * p, uu[g] + (a * k + b) * p * p, p, 1, p);
    }
}

}  // namespace henderson
