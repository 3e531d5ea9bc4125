#include "factor.hpp"

#include <algorithm>

#include "dense.hpp"
#include "lapack.hpp"
#include "threads.hpp"

namespace henderson {

namespace {

// The block of A in row r, column j (K_r x K_j), read through its stored orientation.
const double* oriented(const Symbolic& s, const CrossZ& A, int r, int j, Int e, int kr, int kj, double* buffer) {
    const double* block = A.pair[s.pair(r, j)] + Int{s.a_entry[e]} * kr * kj;
    if ((kr == 1 && kj == 1) || !s.flipped(r, j)) return block;
    for (int a = 0; a < kr; ++a)
        for (int b = 0; b < kj; ++b) buffer[a * kj + b] = block[b * kr + a];
    return buffer;
}

const double* diagonal_block(const Symbolic& s, const CrossZ& A, int v) {
    const Int k = s.k(v);
    return A.diagonal[s.grouping[v]] + s.level[v] * k * k;
}

// out (kr x kj) := Lambda_r' block Lambda_j
void sandwich(const double* lr, const double* block, const double* lj, double* out, int kr, int kj, double* work) {
    if (kr == 1 && kj == 1) {
        *out = *lr * *block * *lj;
        return;
    }
    std::fill(work, work + kr * kj, 0.0);
    std::fill(out, out + kr * kj, 0.0);
    multiply_add(1, block, lj, work, kr, kj, kj);
    multiply_add_tn(1, lr, work, out, kr, kr, kj);
}

struct Scratch {
    std::vector<double> a, b, c;
    explicit Scratch(const Symbolic& s) {
        const int k = *std::max_element(s.K.begin(), s.K.end());
        a.resize(k * k), b.resize(k * k), c.resize(k * k);
    }
};

// Lambda' A Lambda + I, laid out as L will be.
HENDERSON_WIDE void load(const Symbolic& s, const CrossZ& A, Factor& f) {
    Scratch work(s);
    f.diagonal.resize(s.diag_at[s.head]);
    f.head.assign(s.head_size, 0.0);
    f.panel.assign(s.panel_size, 0.0);
    f.tail.assign(s.tail * s.tail, 0.0);
    const Int base = s.at[s.head], t = s.tail;
    for (int j = 0; j < s.nodes; ++j) {
        const int kj = s.k(j);
        const double* lj = f.lambda[s.grouping[j]].data();
        double* d = work.c.data();
        sandwich(lj, diagonal_block(s, A, j), lj, d, kj, kj, work.b.data());
        for (int a = 0; a < kj; ++a) d[a * kj + a] += 1;
        if (j < s.head)
            std::copy(d, d + kj * kj, &f.diagonal[s.diag_at[j]]);
        else
            for (int a = 0; a < kj; ++a)
                for (int b = 0; b <= a; ++b) f.tail[(s.at[j] - base + b) * t + s.at[j] - base + a] = d[a * kj + b];
        for (Int e = s.a_start[j]; e < s.a_start[j + 1]; ++e) {
            const int r = s.a_row[e], kr = s.k(r);
            const double* block = oriented(s, A, r, j, e, kr, kj, work.a.data());
            sandwich(f.lambda[s.grouping[r]].data(), block, lj, d, kr, kj, work.b.data());
            if (r < s.head) {
                std::copy(d, d + kr * kj, &f.head[s.block_at[s.a_target[e]]]);
            } else {
                const Int ld = j < s.head ? s.rows_in_tail(j) : t;
                double* to = j < s.head ? &f.panel[s.panel_at[j]] : &f.tail[(s.at[j] - base) * t];
                for (int a = 0; a < kr; ++a)
                    for (int b = 0; b < kj; ++b) to[b * ld + s.a_target[e] + a] = d[a * kj + b];
            }
        }
    }
}

// Column j of the head minus what its children bring (left-looking); its tail rows are gathered in a dense column.
HENDERSON_WIDE void subtract_children(const Symbolic& s, Factor& f, int j) {
    const int kj = s.k(j);
    const Int height = s.rows_in_tail(j);
    const int* own = s.tail_row.data() + (s.panel ? 0 : s.tail_start[j]);
    double* panel = f.panel.data() + s.panel_at[j];
    double* column = s.panel ? panel : f.dense_column.data();
    for (Int e = s.row_start[j]; e < s.row_start[j + 1]; ++e) f.where[s.row[e]] = static_cast<int>(e - s.row_start[j]);
    for (int b = 0; b < kj && !s.panel; ++b)
        for (Int x = 0; x < height; ++x) column[b * s.tail + own[x]] = panel[b * height + x];
    for (Int i = s.child_start[j]; i < s.child_start[j + 1]; ++i) {
        const int c = s.child[i], kc = s.k(c);
        const Int here = s.child_entry[i], child_height = s.rows_in_tail(c);
        const double* ljc = &f.head[s.block_at[here]];
        multiply_add_nt(-1, ljc, ljc, &f.diagonal[s.diag_at[j]], kj, kc, kj);
        for (Int e = here + 1; e < s.row_start[c + 1]; ++e) {
            const Int target = s.row_start[j] + f.where[s.row[e]];
            multiply_add_nt(-1, &f.head[s.block_at[e]], ljc, &f.head[s.block_at[target]], s.k(s.row[e]), kc, kj);
        }
        const double* from = f.panel.data() + s.panel_at[c];
        const int* rows = s.tail_row.data() + (s.panel ? 0 : s.tail_start[c]);
        for (int b = 0; b < kj; ++b)
            for (int l = 0; l < kc; ++l) {
                const double w = ljc[b * kc + l], *v = from + l * child_height;
                double* to = column + b * s.tail;
                if (s.panel)
                    for (Int x = 0; x < child_height; ++x) to[x] -= w * v[x];
                else
                    for (Int x = 0; x < child_height; ++x) to[rows[x]] -= w * v[x];
            }
    }
    for (int b = 0; b < kj && !s.panel; ++b)
        for (Int x = 0; x < height; ++x) panel[b * height + x] = column[b * s.tail + own[x]];
}

HENDERSON_WIDE bool factorise_head(const Symbolic& s, Factor& f) {
    f.where.resize(s.nodes);
    f.dense_column.resize(*std::max_element(s.K.begin(), s.K.end()) * s.tail);
    for (int j = 0; j < s.head; ++j) {
        const int k = s.k(j);
        if (s.child_start[j + 1] > s.child_start[j]) subtract_children(s, f, j);
        double* L = &f.diagonal[s.diag_at[j]];
        if (!cholesky_in_place(L, k)) return false;
        for (Int e = s.row_start[j]; e < s.row_start[j + 1]; ++e)
            solve_rows(L, &f.head[s.block_at[e]], s.k(s.row[e]), k);
        if (s.panel_size) solve_panel(L, f.panel.data() + s.panel_at[j], s.rows_in_tail(j), k);
    }
    return true;
}

// Columns of the tail in one band minus what the head brings: their part of -sum_j panel_j panel_j'
HENDERSON_WIDE void update_band(const Symbolic& s, Factor& f, Int band) {
    for (Int at = s.span_start[band]; at < s.span_start[band + 1]; ++at) {
        const auto [j, first, last] = s.span[at];
        const Int height = s.rows_in_tail(j), from = s.tail_start[j];
        const int* rows = s.tail_row.data() + from;
        for (int b = 0, k = s.k(j); b < k; ++b) {
            const double* p = f.panel.data() + s.panel_at[j] + b * height;
            for (Int x = first - from; x < last - from; ++x) {
                double* column = &f.tail[rows[x] * s.tail];
                const double w = p[x];
                for (Int i = x; i < height; ++i) column[rows[i]] -= w * p[i];
            }
        }
    }
}

// Schur complement of the head in the tail
void update_tail(const Symbolic& s, Factor& f) {
    if (s.panel) return dense::subtract_square(s.tail, s.at[s.head], f.panel.data(), f.tail.data(), f.threads);
    in_parallel(f.threads, s.bands(), [&](Int band) { update_band(s, f, band); });
}

}  // namespace

bool factorise(const Symbolic& s, const CrossZ& A, Factor& f) {
    load(s, A, f);
    if (!factorise_head(s, f)) return false;
    if (s.tail > 0) {
        update_tail(s, f);
        if (!dense::factorise(s.tail, f.tail.data(), f.threads)) return false;
    }
    double half = 0;
    for (int j = 0; j < s.head; ++j)
        for (int a = 0, k = s.k(j); a < k; ++a) half += std::log(f.diagonal[s.diag_at[j] + a * k + a]);
    for (Int i = 0; i < s.tail; ++i) half += std::log(f.tail[i * s.tail + i]);
    f.logdet = 2 * half;
    return true;
}

HENDERSON_WIDE void solve_forward(const Symbolic& s, const Factor& f, double* x, Int m) {
    double* xt = x + s.at[s.head] * m;
    for (int j = 0; j < s.head; ++j) {
        const int k = s.k(j);
        double* xj = x + s.at[j] * m;
        solve_lower(&f.diagonal[s.diag_at[j]], xj, k, m);
        for (Int e = s.row_start[j]; e < s.row_start[j + 1]; ++e)
            multiply_add(-1, &f.head[s.block_at[e]], xj, x + s.at[s.row[e]] * m, s.k(s.row[e]), k, static_cast<int>(m));
        if (s.panel) continue;
        const Int height = s.rows_in_tail(j);
        const int* rows = s.tail_row.data() + s.tail_start[j];
        for (int b = 0; b < k; ++b) {
            const double* p = f.panel.data() + s.panel_at[j] + b * height;
            for (Int i = 0; i < height; ++i)
                for (Int c = 0; c < m; ++c) xt[rows[i] * m + c] -= p[i] * xj[b * m + c];
        }
    }
    if (s.tail == 0) return;
    if (s.panel) lapack::gemm('N', 'T', -1, m, s.tail, s.at[s.head], x, m, f.panel.data(), s.tail, 1, xt, m);
    lapack::trsm_right(true, m, s.tail, f.tail.data(), s.tail, xt, m);
}

HENDERSON_WIDE void solve_backward(const Symbolic& s, const Factor& f, double* x, Int m) {
    double* xt = x + s.at[s.head] * m;
    if (s.tail > 0) {
        lapack::trsm_right(false, m, s.tail, f.tail.data(), s.tail, xt, m);
        if (s.panel) lapack::gemm('N', 'N', -1, m, s.at[s.head], s.tail, xt, m, f.panel.data(), s.tail, 1, x, m);
    }
    for (int j = s.head - 1; j >= 0; --j) {
        const int k = s.k(j);
        double* xj = x + s.at[j] * m;
        if (!s.panel) {
            const Int height = s.rows_in_tail(j);
            const int* rows = s.tail_row.data() + s.tail_start[j];
            for (int b = 0; b < k; ++b) {
                const double* p = f.panel.data() + s.panel_at[j] + b * height;
                for (Int i = 0; i < height; ++i)
                    for (Int c = 0; c < m; ++c) xj[b * m + c] -= p[i] * xt[rows[i] * m + c];
            }
        }
        for (Int e = s.row_start[j]; e < s.row_start[j + 1]; ++e)
            multiply_add_tn(-1, &f.head[s.block_at[e]], x + s.at[s.row[e]] * m, xj, k, s.k(s.row[e]), static_cast<int>(m));
        solve_lower_transposed(&f.diagonal[s.diag_at[j]], xj, k, m);
    }
}

HENDERSON_WIDE void multiply_blocks(const Symbolic& s, const CrossZ& A, const std::vector<Span>& spans, const double* x, double* out, Int m) {
    Scratch work(s);
    const int im = static_cast<int>(m);
    std::fill(out, out + s.q * m, 0.0);
    for (int j = 0; j < s.nodes; ++j) {
        const int kj = s.k(j);
        const Span own = spans[s.grouping[j]];
        const double* xj = x + s.at[j] * m + own.first;
        double* oj = out + s.at[j] * m;
        accumulate(1, diagonal_block(s, A, j), kj, 1, xj, oj + own.first, kj, kj, own.count, im);
        for (Int e = s.a_start[j]; e < s.a_start[j + 1]; ++e) {
            const int r = s.a_row[e], kr = s.k(r);
            const Span other = spans[s.grouping[r]];
            const double* block = oriented(s, A, r, j, e, kr, kj, work.a.data());
            accumulate(1, block, kj, 1, xj, out + s.at[r] * m + own.first, kr, kj, own.count, im);
            accumulate(1, block, 1, kj, x + s.at[r] * m + other.first, oj + other.first, kj, kr, other.count, im);
        }
    }
}

void multiply(const Symbolic& s, const CrossZ& A, const double* x, double* out, Int m) {
    multiply_blocks(s, A, std::vector<Span>(s.K.size(), Span{0, static_cast<int>(m)}), x, out, m);
}

HENDERSON_WIDE void scale(const Symbolic& s, const Factor& f, bool transposed, double* x, Int m) {
    const int im = static_cast<int>(m);
    std::vector<double> old;
    for (int v = 0; v < s.nodes; ++v) {
        const int k = s.k(v);
        const double* L = f.lambda[s.grouping[v]].data();
        double* xv = x + s.at[v] * m;
        if (k == 1) {
            for (Int c = 0; c < m; ++c) xv[c] *= *L;
            continue;
        }
        old.assign(xv, xv + k * m);
        std::fill(xv, xv + k * m, 0.0);
        if (transposed)
            multiply_add_tn(1, L, old.data(), xv, k, k, im);
        else
            multiply_add(1, L, old.data(), xv, k, k, im);
    }
}

void to_elimination_order(const Symbolic& s, const double* external, double* x, Int m) {
    for (int v = 0; v < s.nodes; ++v) {
        const double* from = external + (s.offset[s.grouping[v]] + s.level[v] * s.k(v)) * m;
        std::copy(from, from + s.k(v) * m, x + s.at[v] * m);
    }
}

void to_external_order(const Symbolic& s, const double* x, double* external, Int m) {
    for (int v = 0; v < s.nodes; ++v) {
        const double* from = x + s.at[v] * m;
        std::copy(from, from + s.k(v) * m, external + (s.offset[s.grouping[v]] + s.level[v] * s.k(v)) * m);
    }
}

}  // namespace henderson
