// Many responses of one design: the search of optim/newton.py, and evaluations at given theta, without Python between
// one response and the next.
//
// The search takes the steps that optim/search.py takes, to rounding, as long as it ends where every variance is either
// not zero or would not rather grow; what it cannot decide is left to search.py.
#pragma once
#include <cstdint>
#include <vector>

#include "criterion.hpp"

namespace henderson {

// Cross-products of R responses, row-major.
struct Responses {
    const double* zy;  // (R x q) Z'Wy, external order
    const double* xy;  // (R x p) X'Wy
    const double* yy;  // (R) y'Wy
};

// What all responses share; zx and xx are scratch that belongs to the caller (their last columns are rewritten).
struct Shared {
    const Symbolic& s;
    const CrossZ& A;
    int p;
    double *zx, *xx;  // (q x (p+1)), ((p+1) x (p+1))
    double nu;
    bool reml;
    double constant;  // what is added to the criterion, for tolerances relative to it
};

struct Tolerances {
    double tol;  // predicted decrease at which to stop, relative to max(1, |f| / 1000)
    int most;    // evaluations
};

enum class Outcome : int { plain, snapped, careful };

// One search. On return theta, and the evaluation at it, are meaningful unless the outcome is careful.
struct Search {
    std::vector<double> theta, beta;
    double value = 0, r2 = 0;
    int evaluations = 0;
};

// Writes response i into the last columns of zx and xx.
void put(const Shared& shared, const Responses& y, Int i);
// Minimises from `search.theta` in the chart `entries`, which may change its order of rows; the response has been put.
Outcome search(const Shared& shared, std::vector<ThetaEntry>& entries, const Tolerances& limits, Search& search, Workspace& w);

// Sums over the levels of every grouping that inference takes, at the theta last evaluated (value only): per grouping EE = sum e e'
// (K x K), and UU[a, b] = sum over levels of rows a and b of U R_XX^-1 (K x K x p x p), U = Z'V^-1 X.
void level_sums(const Shared& shared, const std::vector<ThetaEntry>& entries, Workspace& w, double* EE, double* UU);

}  // namespace henderson
