// Profiled REML or ML criterion of a linear mixed model at one theta, with gradient and average-information curvature:
// one pass through the factor. The same steps, with the equation numbers, in readable NumPy: solve/reference.py.
#pragma once
#include <array>
#include <vector>

#include "factor.hpp"

namespace henderson {

// One free entry of the relative covariance factors: (row, column) within the K x K block of a grouping; entries of one
// random-effects term share `term`. Column by column; the first entry of a column is its pivot, and (where derivatives
// are asked for) no later column has an entry in that row: Lambda is lower triangular up to an order of its rows.
struct ThetaEntry {
    int grouping, row, column, term;
    bool pivot;
};

// Cross-products with the fixed effects and the response: columns of X, then y.
struct CrossXY {
    int p;
    const double* zx;  // (q x (p+1)) row-major, external order
    const double* xx;  // ((p+1) x (p+1)) row-major, symmetric
    double nu;         // n (ML) or n - p (REML)
    bool reml;
};

enum class Status { ok, omega_not_definite, x_not_full_rank, no_residual };

struct Evaluation {
    double value = 0, logdet_omega = 0, logdet_rx = 0, r2 = 0;
    std::vector<double> beta, u, e;   // u and e in elimination order
    std::vector<double> rx;           // (p+1 x p+1) row-major lower: Cholesky of the bordered system
    std::vector<double> gradient, curvature;
    Status status = Status::ok;
};

// Everything that is rewritten at each theta; one per thread.
struct Workspace {
    Factor factor;
    Evaluation result;
    std::vector<double> azx, R, Lambda_u, K, W, AW;
    std::vector<std::vector<double>> F, EU, M;  // per grouping; M = F Lambda^-1 = derivative by the covariance of b
};

// derivatives: 0 value only, 1 value and gradient, 2 with curvature
void evaluate(const Symbolic& s, const CrossZ& A, const CrossXY& xy, const std::vector<ThetaEntry>& entries,
              const double* theta, int derivatives, Workspace& w);

}  // namespace henderson
