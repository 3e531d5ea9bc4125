// Omega^-1 on the pattern of L, by the Takahashi equations: with Y_j = L_Rj L_jj^-1 and R the rows of column j,
//     S_Rj = -S_RR Y_j,      S_jj = (L_jj L_jj')^-1 - Y_j' S_Rj,
// from the last column to the first; the dense tail starts the recursion by POTRI.
// (Takahashi, Fagan & Chen 1973; Erisman & Tinney 1975.)
#include <algorithm>

#include "factor.hpp"
#include "lapack.hpp"

namespace henderson {

namespace {

void invert_tail(const Symbolic& s, Factor& f) {
    f.s_tail.assign(f.tail.begin(), f.tail.end());
    lapack::potri(s.tail, f.s_tail.data(), s.tail);
}

// y := L_Rj L_jj^-1 for every head column
HENDERSON_WIDE void scale_columns(const Symbolic& s, Factor& f) {
    f.y_head = f.head;
    f.y_panel = f.panel;
    for (int j = 0; j < s.head; ++j) {
        const int k = s.k(j);
        const double* L = &f.diagonal[s.diag_at[j]];
        for (Int e = s.row_start[j]; e < s.row_start[j + 1]; ++e)
            solve_rows_transposed(L, &f.y_head[s.block_at[e]], s.k(s.row[e]), k);
        solve_panel_transposed(L, f.y_panel.data() + s.panel_at[j], s.rows_in_tail(j), k);
    }
}

// One column's rows in the tail: Y_j, and S_Rj as it is formed.
struct PanelColumn {
    const double* y;
    double* s;
};

// s -= S_tail[rows, rows] Y_j for a sparse column
HENDERSON_WIDE void subtract_tail(const Symbolic& s, const Factor& f, int j, PanelColumn column_j) {
    const Int height = s.rows_in_tail(j), t = s.tail;
    const int* rows = s.tail_row.data() + s.tail_start[j];
    for (int b = 0; b < s.k(j); ++b) {
        double* out = column_j.s + b * height;
        const double* y = column_j.y + b * height;
        for (Int x = 0; x < height; ++x) {
            const double* column = &f.s_tail[rows[x] * t];
            const double w = y[x];
            out[x] -= w * column[rows[x]];
            double symmetric = 0;
            for (Int i = x + 1; i < height; ++i) {
                const double v = column[rows[i]];
                out[i] -= w * v;
                symmetric += v * y[i];
            }
            out[x] -= symmetric;
        }
    }
}

// Column r is complete: bring it to every earlier column c that contains r.
HENDERSON_WIDE void push_to_children(const Symbolic& s, Factor& f, int r) {
    const int kr = s.k(r);
    const Int height = s.rows_in_tail(r);
    for (Int e = s.row_start[r]; e < s.row_start[r + 1]; ++e) f.where[s.row[e]] = static_cast<int>(e - s.row_start[r]);
    if (!s.panel)
        for (Int i = s.tail_start[r]; i < s.tail_start[r + 1]; ++i)
            f.tail_where[s.tail_row[i]] = static_cast<int>(i - s.tail_start[r]);
    for (Int i = s.child_start[r]; i < s.child_start[r + 1]; ++i) {
        const int c = s.child[i], kc = s.k(c);
        const Int here = s.child_entry[i], child_height = s.rows_in_tail(c);
        const double* yrc = &f.y_head[s.block_at[here]];
        double* src = &f.s_head[s.block_at[here]];
        multiply_add(-1, &f.s_diagonal[s.diag_at[r]], yrc, src, kr, kr, kc);
        for (Int e = here + 1; e < s.row_start[c + 1]; ++e) {
            const int other = s.row[e], ko = s.k(other);
            const double* block = &f.s_head[s.block_at[s.row_start[r] + f.where[other]]];  // S_other,r
            multiply_add(-1, block, yrc, &f.s_head[s.block_at[e]], ko, kr, kc);
            multiply_add_tn(-1, block, &f.y_head[s.block_at[e]], src, kr, ko, kc);
        }
        const double* column = f.s_panel.data() + s.panel_at[r];
        const double* y = f.y_panel.data() + s.panel_at[c];
        double* out = f.s_panel.data() + s.panel_at[c];
        for (Int x = 0; x < child_height; ++x) {
            const Int at = s.panel ? x : f.tail_where[s.tail_row[s.tail_start[c] + x]];
            for (int a = 0; a < kr; ++a) {
                const double v = column[a * height + at];
                for (int b = 0; b < kc; ++b) {
                    out[b * child_height + x] -= v * yrc[a * kc + b];
                    src[a * kc + b] -= v * y[b * child_height + x];
                }
            }
        }
    }
}

// S_jj = (L_jj L_jj')^-1 - Y_j' S_Rj
HENDERSON_WIDE void close_diagonal(const Symbolic& s, Factor& f, int j, PanelColumn column) {
    const int k = s.k(j);
    double* S = &f.s_diagonal[s.diag_at[j]];
    inverse_from_cholesky(&f.diagonal[s.diag_at[j]], S, k);
    for (Int e = s.row_start[j]; e < s.row_start[j + 1]; ++e)
        multiply_add_tn(-1, &f.y_head[s.block_at[e]], &f.s_head[s.block_at[e]], S, k, s.k(s.row[e]), k);
    const Int height = s.rows_in_tail(j);
    for (int a = 0; a < k; ++a)
        for (int b = 0; b < k; ++b) {
            double sum = 0;
            for (Int i = 0; i < height; ++i) sum += column.y[a * height + i] * column.s[b * height + i];
            S[a * k + b] -= sum;
        }
}

// S_jj (k x k), row-major; blocks of the tail are copied into the buffer
const double* inverse_diagonal(const Symbolic& s, const Factor& f, int j, double* buffer) {
    if (j < s.head) return &f.s_diagonal[s.diag_at[j]];
    const int k = s.k(j);
    const Int own = s.at[j] - s.at[s.head];
    for (int a = 0; a < k; ++a)
        for (int b = 0; b < k; ++b) buffer[a * k + b] = f.s_tail[(own + std::min(a, b)) * s.tail + own + std::max(a, b)];
    return buffer;
}

// S_rj (k_r x k_j) for entry e of column j of A
const double* inverse_block(const Symbolic& s, const Factor& f, int j, Int e, double* buffer) {
    const int r = s.a_row[e], kr = s.k(r), kj = s.k(j);
    if (r < s.head) return &f.s_head[s.block_at[s.a_target[e]]];
    const bool sparse = j < s.head;
    const double* from = sparse ? f.s_panel.data() + s.panel_at[j] : &f.s_tail[(s.at[j] - s.at[s.head]) * s.tail];
    const Int ld = sparse ? s.rows_in_tail(j) : s.tail;
    for (int a = 0; a < kr; ++a)
        for (int b = 0; b < kj; ++b) buffer[a * kj + b] = from[b * ld + s.a_target[e] + a];
    return buffer;
}

// No head node reaches another and nobody asks for S_Rj: one column at a time is enough.
HENDERSON_WIDE void invert_diagonal(const Symbolic& s, Factor& f) {
    f.s_diagonal.resize(s.diag_at[s.head]);
    std::vector<double> y, x;
    for (int j = 0; j < s.head; ++j) {
        const double* panel = f.panel.data() + s.panel_at[j];
        const int k = s.k(j);
        const Int size = s.rows_in_tail(j) * k;
        y.assign(panel, panel + size), x.assign(size, 0.0);
        solve_panel_transposed(&f.diagonal[s.diag_at[j]], y.data(), s.rows_in_tail(j), k);
        const PanelColumn column{y.data(), x.data()};
        subtract_tail(s, f, j, column);
        close_diagonal(s, f, j, column);
    }
}

}  // namespace

void invert_selected(const Symbolic& s, Factor& f, bool diagonal_only) {
    if (s.tail > 0) invert_tail(s, f);
    if (diagonal_only && !s.panel && s.row.empty()) return invert_diagonal(s, f);
    scale_columns(s, f);
    f.s_diagonal.resize(s.diag_at[s.head]);
    f.s_head.assign(s.head_size, 0.0);
    f.s_panel.assign(s.panel_size, 0.0);
    // Padded columns: the tail's part of all of them is one product.
    if (s.panel) lapack::symm(-1, s.tail, s.at[s.head], f.s_tail.data(), s.tail, f.y_panel.data(), s.tail, f.s_panel.data(), s.tail);
    for (int j = s.head - 1; j >= 0; --j) {
        const PanelColumn column{f.y_panel.data() + s.panel_at[j], f.s_panel.data() + s.panel_at[j]};
        if (!s.panel && s.tail > 0) subtract_tail(s, f, j, column);
        close_diagonal(s, f, j, column);
        if (s.child_start[j + 1] > s.child_start[j]) push_to_children(s, f, j);
    }
}

HENDERSON_WIDE void trace_products(const Symbolic& s, const CrossZ& A, const Factor& f, std::vector<std::vector<double>>& F) {
    const int most = *std::max_element(s.K.begin(), s.K.end());
    std::vector<double> buffer(most * most), block(most * most), product(most * most);
    for (std::size_t g = 0; g < s.K.size(); ++g) F[g].assign(s.K[g] * s.K[g], 0.0);
    for (int j = 0; j < s.nodes; ++j) {
        const int kj = s.k(j);
        const double* lj = f.lambda[s.grouping[j]].data();
        double* Fj = F[s.grouping[j]].data();
        const double* ajj = A.diagonal[s.grouping[j]] + s.level[j] * Int{kj} * kj;
        std::fill_n(product.data(), kj * kj, 0.0);
        multiply_add(1, ajj, lj, product.data(), kj, kj, kj);
        multiply_add(1, product.data(), inverse_diagonal(s, f, j, buffer.data()), Fj, kj, kj, kj);
        for (Int e = s.a_start[j]; e < s.a_start[j + 1]; ++e) {
            const int r = s.a_row[e], kr = s.k(r);
            const double* srj = inverse_block(s, f, j, e, buffer.data());
            const double* lr = f.lambda[s.grouping[r]].data();
            double* Fr = F[s.grouping[r]].data();
            const double* stored = A.pair[s.pair(r, j)] + Int{s.a_entry[e]} * kr * kj;
            if (kr == 1 && kj == 1) {
                *Fj += *stored * *lr * *srj;
                *Fr += *stored * *lj * *srj;
                continue;
            }
            const bool flip = s.flipped(r, j);
            for (int a = 0; a < kr; ++a)
                for (int b = 0; b < kj; ++b) block[a * kj + b] = flip ? stored[b * kr + a] : stored[a * kj + b];
            std::fill_n(product.data(), kr * kj, 0.0);
            multiply_add_tn(1, block.data(), lr, product.data(), kj, kr, kr);  // A_jr Lambda_r (kj x kr)
            multiply_add(1, product.data(), srj, Fj, kj, kr, kj);
            std::fill_n(product.data(), kr * kj, 0.0);
            multiply_add(1, block.data(), lj, product.data(), kr, kj, kj);     // A_rj Lambda_j (kr x kj)
            multiply_add_nt(1, product.data(), srj, Fr, kr, kj, kr);
        }
    }
}

void trace_complements(const Symbolic& s, const Factor& f, std::vector<std::vector<double>>& rest) {
    const int most = *std::max_element(s.K.begin(), s.K.end());
    std::vector<double> buffer(most * most);
    for (std::size_t g = 0; g < s.K.size(); ++g) rest[g].assign(s.K[g] * s.K[g], 0.0);
    for (int j = 0; j < s.nodes; ++j) {
        const int k = s.k(j);
        const double* S = inverse_diagonal(s, f, j, buffer.data());
        double* to = rest[s.grouping[j]].data();
        for (int a = 0; a < k; ++a)
            for (int b = 0; b < k; ++b) to[a * k + b] += (a == b) - S[a * k + b];
    }
}

void copy_selected(const Symbolic& s, const Factor& f, const std::vector<double*>& diagonal, const std::vector<double*>& pair) {
    const int most = *std::max_element(s.K.begin(), s.K.end());
    std::vector<double> buffer(most * most);
    for (int j = 0; j < s.nodes; ++j) {
        const int kj = s.k(j);
        const double* sjj = inverse_diagonal(s, f, j, buffer.data());
        std::copy(sjj, sjj + kj * kj, diagonal[s.grouping[j]] + s.level[j] * Int{kj} * kj);
        for (Int e = s.a_start[j]; e < s.a_start[j + 1]; ++e) {
            const int r = s.a_row[e], kr = s.k(r);
            const bool flip = s.flipped(r, j);
            const double* srj = inverse_block(s, f, j, e, buffer.data());
            double* to = pair[s.pair(r, j)] + Int{s.a_entry[e]} * kr * kj;
            for (int a = 0; a < kr; ++a)
                for (int b = 0; b < kj; ++b) to[flip ? b * kr + a : a * kj + b] = srj[a * kj + b];
        }
    }
}

}  // namespace henderson
