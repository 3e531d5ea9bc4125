// Kernels for the k x k blocks of one level (k = columns that vary by a grouping factor, mostly 1 to 4).
// Plain loops: at this size a BLAS call costs more than the arithmetic. All blocks are row-major.
#pragma once
#include <cmath>
#include <cstdint>

// Functions marked so are compiled twice, for wide vector units and for any processor; the loader picks. Wheels stay
// portable and the block kernels, which are inlined into them, run two to three times faster. A level of the
// architecture asks what the processor can do; a name such as haswell would ask who made it.
#if defined(__GNUC__) && __GNUC__ >= 12 && !defined(__clang__) && defined(__x86_64__) && defined(__linux__)
#define HENDERSON_WIDE __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define HENDERSON_WIDE
#endif

namespace henderson {

using Int = std::int64_t;

// C (a x b) += sign * A (a x k) B (k x b), A read with the given strides, rows of B and C `ld` apart; rows of B are taken
// four at a time, so that C is loaded and stored once for every four.
inline void accumulate(double sign, const double* __restrict A, int row, int column, const double* __restrict B,
                       double* __restrict C, int a, int k, int b, int ld) {
    for (int i = 0; i < a; ++i) {
        const double* f = A + i * row;
        double* c = C + i * ld;
        int l = 0;
        for (; l + 3 < k; l += 4) {
            const double s0 = sign * f[l * column], s1 = sign * f[(l + 1) * column];
            const double s2 = sign * f[(l + 2) * column], s3 = sign * f[(l + 3) * column];
            const double *b0 = B + l * ld, *b1 = b0 + ld, *b2 = b1 + ld, *b3 = b2 + ld;
            for (int j = 0; j < b; ++j) c[j] += (s0 * b0[j] + s1 * b1[j]) + (s2 * b2[j] + s3 * b3[j]);
        }
        for (; l + 1 < k; l += 2) {
            const double s0 = sign * f[l * column], s1 = sign * f[(l + 1) * column];
            const double *b0 = B + l * ld, *b1 = b0 + ld;
            for (int j = 0; j < b; ++j) c[j] += s0 * b0[j] + s1 * b1[j];
        }
        for (; l < k; ++l) {
            const double s0 = sign * f[l * column];
            const double* b0 = B + l * ld;
            for (int j = 0; j < b; ++j) c[j] += s0 * b0[j];
        }
    }
}

// C (a x b) += sign * A (a x k) B (k x b)
inline void multiply_add(double sign, const double* A, const double* B, double* C, int a, int k, int b) {
    accumulate(sign, A, k, 1, B, C, a, k, b, b);
}

// C (a x b) += sign * A' B, A (k x a), B (k x b)
inline void multiply_add_tn(double sign, const double* A, const double* B, double* C, int a, int k, int b) {
    accumulate(sign, A, 1, a, B, C, a, k, b, b);
}

// C (a x b) += sign * A (a x k) B', B (b x k)
inline void multiply_add_nt(double sign, const double* __restrict A, const double* __restrict B, double* __restrict C,
                            int a, int k, int b) {
    for (int i = 0; i < a; ++i)
        for (int j = 0; j < b; ++j) {
            double s = 0;
            for (int l = 0; l < k; ++l) s += A[i * k + l] * B[j * k + l];
            C[i * b + j] += sign * s;
        }
}

// Lower Cholesky factor in place; false when a pivot is not positive. The strict upper triangle is zeroed.
inline bool cholesky_in_place(double* A, int k) {
    for (int j = 0; j < k; ++j) {
        double d = A[j * k + j];
        for (int l = 0; l < j; ++l) d -= A[j * k + l] * A[j * k + l];
        if (!(d > 0)) return false;
        A[j * k + j] = d = std::sqrt(d);
        for (int i = j + 1; i < k; ++i) {
            double s = A[i * k + j];
            for (int l = 0; l < j; ++l) s -= A[i * k + l] * A[j * k + l];
            A[i * k + j] = s / d;
        }
        for (int i = 0; i < j; ++i) A[i * k + j] = 0;
    }
    return true;
}

// A (n x n, symmetric, overwritten) = V diag(w) V', by Jacobi's rotations: columns of V (row-major) are the vectors.
inline void symmetric_eigen(double* A, double* w, double* V, int n) {
    for (int i = 0; i < n * n; ++i) V[i] = i % (n + 1) == 0;
    double total = 0;
    for (int i = 0; i < n * n; ++i) total += A[i] * A[i];
    for (int sweep = 0; sweep < 60; ++sweep) {
        double off = 0;
        for (int i = 0; i < n; ++i)
            for (int j = 0; j < i; ++j) off += A[i * n + j] * A[i * n + j];
        if (!(off > 1e-32 * total)) break;
        for (int p = 0; p < n; ++p)
            for (int q = p + 1; q < n; ++q) {
                const double apq = A[p * n + q];
                if (apq == 0) continue;
                const double half = (A[q * n + q] - A[p * n + p]) / (2 * apq);
                const double t = (half >= 0 ? 1 : -1) / (std::abs(half) + std::sqrt(half * half + 1));
                const double c = 1 / std::sqrt(t * t + 1), s = t * c;
                for (int i = 0; i < n; ++i) {
                    const double x = A[i * n + p], y = A[i * n + q];
                    A[i * n + p] = c * x - s * y, A[i * n + q] = s * x + c * y;
                }
                for (int i = 0; i < n; ++i) {
                    const double x = A[p * n + i], y = A[q * n + i];
                    A[p * n + i] = c * x - s * y, A[q * n + i] = s * x + c * y;
                    const double a = V[i * n + p], b = V[i * n + q];
                    V[i * n + p] = c * a - s * b, V[i * n + q] = s * a + c * b;
                }
            }
    }
    for (int i = 0; i < n; ++i) w[i] = A[i * n + i];
}

// X (k x m) := L^-1 X
inline void solve_lower(const double* L, double* X, int k, Int m) {
    for (int i = 0; i < k; ++i) {
        for (int l = 0; l < i; ++l) {
            const double s = L[i * k + l];
            for (Int j = 0; j < m; ++j) X[i * m + j] -= s * X[l * m + j];
        }
        const double inverse = 1 / L[i * k + i];
        for (Int j = 0; j < m; ++j) X[i * m + j] *= inverse;
    }
}

// X (k x m) := L^-T X
inline void solve_lower_transposed(const double* L, double* X, int k, Int m) {
    for (int i = k - 1; i >= 0; --i) {
        for (int l = i + 1; l < k; ++l) {
            const double s = L[l * k + i];
            for (Int j = 0; j < m; ++j) X[i * m + j] -= s * X[l * m + j];
        }
        const double inverse = 1 / L[i * k + i];
        for (Int j = 0; j < m; ++j) X[i * m + j] *= inverse;
    }
}

// X (m x k) := X L^-T: every row x solves L x' = row'
inline void solve_rows(const double* L, double* X, Int m, int k) {
    for (Int r = 0; r < m; ++r) {
        double* x = X + r * k;
        for (int i = 0; i < k; ++i) {
            for (int l = 0; l < i; ++l) x[i] -= L[i * k + l] * x[l];
            x[i] /= L[i * k + i];
        }
    }
}

// X (m x k) := X L^-1
inline void solve_rows_transposed(const double* L, double* X, Int m, int k) {
    for (Int r = 0; r < m; ++r) {
        double* x = X + r * k;
        for (int i = k - 1; i >= 0; --i) {
            for (int l = i + 1; l < k; ++l) x[i] -= L[l * k + i] * x[l];
            x[i] /= L[i * k + i];
        }
    }
}

// V (k x k) := (L L')^-1
inline void inverse_from_cholesky(const double* L, double* V, int k) {
    for (int i = 0; i < k; ++i)
        for (int j = 0; j < k; ++j) V[i * k + j] = i == j;
    solve_lower(L, V, k, k);
    solve_lower_transposed(L, V, k, k);
}

// Panel (height x k, column-major) := panel L^-T
inline void solve_panel(const double* L, double* panel, Int height, int k) {
    for (int b = 0; b < k; ++b) {
        double* col = panel + b * height;
        for (int l = 0; l < b; ++l) {
            const double w = L[b * k + l];
            for (Int x = 0; x < height; ++x) col[x] -= w * panel[l * height + x];
        }
        const double inverse = 1 / L[b * k + b];
        for (Int x = 0; x < height; ++x) col[x] *= inverse;
    }
}

// Panel := panel L^-1
inline void solve_panel_transposed(const double* L, double* panel, Int height, int k) {
    for (int b = k - 1; b >= 0; --b) {
        double* col = panel + b * height;
        for (int l = b + 1; l < k; ++l) {
            const double w = L[l * k + b];
            for (Int x = 0; x < height; ++x) col[x] -= w * panel[l * height + x];
        }
        const double inverse = 1 / L[b * k + b];
        for (Int x = 0; x < height; ++x) col[x] *= inverse;
    }
}

}  // namespace henderson
