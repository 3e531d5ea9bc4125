// The ML deviance with sigma free, D(theta, tau) with tau = log sigma: what a profile walks along.
//
//     D = log|Omega| + n log(2 pi) + 2 n tau + r2(theta) / sigma2 - sum log w
//
// From the profiled criterion and its average information: with E = sum e e' of every grouping, dr2/dLambda = -2 E Lambda.
#pragma once
#include "criterion.hpp"

namespace henderson {

struct Unprofiled {
    double value = 0;
    std::vector<double> slope, curvature;  // (1 + n_theta), (1 + n_theta)^2 over (tau, theta)
    std::vector<std::vector<double>> M;    // per grouping (K x K): derivative by the covariance of b
};

// After evaluate() of the ML criterion at theta with both derivatives; `constant` is n log(2 pi) - sum log w.
void unprofile(const Symbolic& s, const std::vector<ThetaEntry>& entries, const double* theta, double tau, double n,
               double constant, const Workspace& w, Unprofiled& out);

}  // namespace henderson
