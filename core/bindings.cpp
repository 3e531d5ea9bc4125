// The only file that knows Python: shape checks, array lifetimes, and one line per kernel.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <optional>
#include <string>

#include "block_newton.hpp"
#include "criterion.hpp"
#include "crossprod.hpp"
#include "iterative.hpp"
#include "lapack.hpp"
#include "ordering.hpp"
#include "unprofiled.hpp"

namespace nb = nanobind;
using namespace henderson;

template <class T, class Shape> using In = nb::ndarray<const T, Shape, nb::c_contig, nb::device::cpu>;
using Vector = In<double, nb::ndim<1>>;
using Matrix = In<double, nb::ndim<2>>;
using Blocks = In<double, nb::ndim<3>>;
using Codes = In<int, nb::ndim<1>>;
using Starts = In<Int, nb::ndim<1>>;
using Entries = In<int, nb::ndim<2>>;
using Charts = In<int, nb::ndim<3>>;
template <class T, class Shape> using Out = nb::ndarray<T, Shape, nb::c_contig, nb::device::cpu>;

namespace {

void require(bool holds, const char* what) {
    if (!holds) throw nb::value_error(what);
}

// A NumPy array that owns its memory; row-major.
template <class T> nb::object array(std::initializer_list<std::size_t> shape, const T* from = nullptr) {
    std::size_t size = 1;
    for (auto s : shape) size *= s;
    T* data = new T[size ? size : 1];
    if (from) std::memcpy(data, from, size * sizeof(T));
    nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
    return nb::cast(nb::ndarray<nb::numpy, T>(data, shape.size(), shape.begin(), owner));
}
// The same without a copy: the array keeps the vector.
template <class T> nb::object adopt(std::vector<T>&& values, std::initializer_list<std::size_t> shape) {
    auto* kept = new std::vector<T>(std::move(values));
    nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
    return nb::cast(nb::ndarray<nb::numpy, T>(kept->data(), shape.size(), shape.begin(), owner));
}
template <class T> T* pointer(nb::object& a) { return static_cast<T*>(nb::cast<nb::ndarray<nb::numpy, T>>(a).data()); }

// Cython publishes C functions as capsules whose name spells the signature. Typedef'd scalar names differ between
// SciPy builds, so what must agree is the count of pointer arguments and the absence of 64-bit integers.
void* borrow(nb::handle table, const char* name, int arguments) {
    nb::object capsule = nb::cast<nb::object>(table[name]);
    const char* signature = PyCapsule_GetName(capsule.ptr());
    int stars = 0, ints = 0;
    std::string text = signature ? signature : "";
    for (char c : text) stars += c == '*';
    for (std::size_t at = text.find("int *"); at != std::string::npos; at = text.find("int *", at + 1)) ++ints;
    if (stars != arguments || ints == 0 || text.find("64") != std::string::npos || text.find("long") != std::string::npos)
        throw std::runtime_error("SciPy's " + std::string(name) + " has the unexpected signature " + text);
    return PyCapsule_GetPointer(capsule.ptr(), signature);
}

void borrow_lapack(nb::dict blas, nb::dict lapack) {
    auto& r = lapack::routines();
    auto take = [](auto& slot, nb::handle table, const char* name, int arguments) {
        slot = reinterpret_cast<std::decay_t<decltype(slot)>>(borrow(table, name, arguments));
    };
    take(r.dpotrf, lapack, "dpotrf", 5);
    take(r.dpotri, lapack, "dpotri", 5);
    take(r.dsyrk, blas, "dsyrk", 10);
    take(r.dgemm, blas, "dgemm", 13);
    take(r.dsymm, blas, "dsymm", 12);
    take(r.dtrsm, blas, "dtrsm", 11);
}

// How many threads work of this size may use; asks Python only where threads pay.
constexpr double worth_threads = 2e7, row_cost = 100;
PyObject* thread_count = nullptr;  // a callable that lives as long as the process

void ask_threads(nb::callable count) {
    Py_XDECREF(thread_count);
    thread_count = count.release().ptr();
}

int threads_for(double operations) {
    if (operations < worth_threads || !thread_count) return 1;
    return nb::cast<int>(nb::handle(thread_count)());
}

// ---- cross-products -------------------------------------------------------------------------------------------------

using ColumnArray = std::optional<Vector>;  // None: the constant one

std::vector<Column> columns(const std::vector<ColumnArray>& data, const Vector& centre, const Vector& scale, Int n) {
    require(data.size() == centre.size() && data.size() == scale.size(), "one centre and one scale per column");
    std::vector<Column> out;
    for (std::size_t j = 0; j < data.size(); ++j) {
        require(!data[j] || static_cast<Int>(data[j]->size()) == n, "columns differ in length");
        require(data[j] || data.size() == 1, "a constant column stands alone");
        out.push_back({data[j] ? data[j]->data() : nullptr, centre(j), scale(j)});
    }
    return out;
}

const double* weights_of(const ColumnArray& w, Int n) {
    require(!w || static_cast<Int>(w->size()) == n, "one weight per row");
    return w ? w->data() : nullptr;
}

nb::list moments_(const std::vector<Vector>& x) {
    nb::list out;
    for (std::size_t j = 0; j < x.size(); ++j) {
        require(x[j].size() > 0, "a column without rows");
        std::size_t same = 0;  // columns of X and Z are often one and the same array
        while (x[same].data() != x[j].data()) ++same;
        if (same < j && x[same].size() == x[j].size()) {
            out.append(out[same]);
            continue;
        }
        const Moments m = moments(x[j].data(), static_cast<Int>(x[j].size()));
        out.append(nb::make_tuple(m.mean, m.square, m.least, m.largest));
    }
    return out;
}

nb::object cross_products_(const std::vector<ColumnArray>& x, Vector centre, Vector scale, ColumnArray weights, Int n) {
    auto cols = columns(x, centre, scale, n);
    for (const auto& c : x) require(c.has_value(), "every column needs data");
    nb::object out = array<double>({x.size(), x.size()});
    double* to = pointer<double>(out);
    const double* w = weights_of(weights, n);
    const int threads = threads_for(row_cost * static_cast<double>(n));
    nb::gil_scoped_release release;
    cross_products(cols, w, n, to, threads);
    return out;
}

nb::tuple grouped_products_(Codes codes, Int levels, const std::vector<ColumnArray>& z, Vector z_centre, Vector z_scale,
                            const std::vector<ColumnArray>& x, Vector centre, Vector scale, ColumnArray weights) {
    const Int n = static_cast<Int>(codes.size());
    auto zc = columns(z, z_centre, z_scale, n);
    auto xc = columns(x, centre, scale, n);
    const std::size_t l = static_cast<std::size_t>(levels), k = z.size(), m = x.size();
    nb::object zz = array<double>({l, k, k}), zx = array<double>({l * k, m});
    double *a = pointer<double>(zz), *b = pointer<double>(zx);
    const double* w = weights_of(weights, n);
    const int threads = threads_for(row_cost * static_cast<double>(n));
    {
        nb::gil_scoped_release release;
        grouped_products(codes.data(), levels, zc, xc, w, n, a, b, threads);
    }
    return nb::make_tuple(zz, zx);
}

// (entries, 1, 1) ones that share one number in memory
nb::object all_ones(std::size_t entries) {
    nb::object one = array<double>({1});
    *pointer<double>(one) = 1.0;
    const std::size_t shape[3] = {entries, 1, 1};
    const std::int64_t strides[3] = {0, 0, 0};
    return nb::cast(nb::ndarray<nb::numpy, const double>(pointer<double>(one), 3, shape, one, strides));
}

nb::tuple pair_products_(Codes first, Int levels_first, const std::vector<ColumnArray>& z_first, Vector centre_first,
                         Vector scale_first, Codes second, Int levels_second, const std::vector<ColumnArray>& z_second,
                         Vector centre_second, Vector scale_second, ColumnArray weights) {
    const Int n = static_cast<Int>(first.size());
    require(second.size() == first.size(), "the groupings differ in length");
    auto a = columns(z_first, centre_first, scale_first, n), b = columns(z_second, centre_second, scale_second, n);
    const double* w = weights_of(weights, n);
    PairProducts out;
    {
        nb::gil_scoped_release release;
        out = pair_products(first.data(), levels_first, a, second.data(), levels_second, b, w, n);
    }
    const std::size_t entries = out.partner.size(), rows = out.start.size();
    if (out.blocks.empty() && entries > 0)
        return nb::make_tuple(adopt(std::move(out.start), {rows}), adopt(std::move(out.partner), {entries}), all_ones(entries));
    return nb::make_tuple(adopt(std::move(out.start), {rows}), adopt(std::move(out.partner), {entries}),
                          adopt(std::move(out.blocks), {entries, z_first.size(), z_second.size()}));
}

// ---- the mixed-model equations --------------------------------------------------------------------------------------

// Pattern and numbers of Z'WZ, analysed once; immutable and shared by every workspace.
struct System {
    std::vector<Blocks> diagonal, blocks;  // keep the arrays alive
    std::vector<Starts> starts;
    std::vector<Codes> partners;
    CrossZ A;
    Symbolic symbolic;

    System(const std::vector<Blocks>& diagonal_, const std::vector<nb::tuple>& pairs, bool by_factor) : diagonal(diagonal_) {
        std::vector<int> K;
        std::vector<Int> levels;
        std::vector<PairPattern> patterns;
        for (auto& d : diagonal) {
            K.push_back(static_cast<int>(d.shape(1)));
            levels.push_back(static_cast<Int>(d.shape(0)));
            A.diagonal.push_back(d.data());
        }
        for (const auto& pair : pairs) {
            const int a = nb::cast<int>(pair[0]), b = nb::cast<int>(pair[1]);
            starts.push_back(nb::cast<Starts>(pair[2]));
            partners.push_back(nb::cast<Codes>(pair[3]));
            blocks.push_back(nb::cast<Blocks>(pair[4]));
            require(static_cast<Int>(starts.back().size()) == levels[a] + 1 && blocks.back().shape(0) == partners.back().size(),
                    "pair pattern and blocks disagree");
            patterns.push_back({a, b, starts.back().data(), partners.back().data()});
            A.pair.push_back(blocks.back().data());
        }
        nb::gil_scoped_release release;
        symbolic = analyse(K, levels, patterns, by_factor);
    }
};

// Entries of theta from their table (n_theta x 4); the first of a column is its pivot.
void read_entries(const int* table, std::size_t count, const Symbolic& s, std::vector<ThetaEntry>& out) {
    out.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        const int* at = table + 4 * i;
        const bool pivot = i == 0 || at[3] != at[-1] || at[2] != at[-2];
        out[i] = {at[0], at[1], at[2], at[3], pivot};
        require(at[0] >= 0 && at[0] < static_cast<int>(s.K.size()) && at[1] >= 0 && at[1] < s.K[at[0]] && at[2] >= 0 &&
                    at[2] < s.K[at[0]],
                "an entry of theta lies outside its block");
    }
}

struct Evaluator {
    System* system;
    Workspace w;
    std::vector<ThetaEntry> entries;

    explicit Evaluator(System* system_) : system(system_) {}

    // Evaluates with the entries of theta read; false where the equations cannot be solved.
    bool run(const Entries& at, const Vector& theta, const Matrix& zx, const Matrix& xx, double nu, bool reml, int derivatives) {
        const auto& s = system->symbolic;
        const std::size_t m = xx.shape(0), k = theta.size();
        require(at.shape(0) == k && at.shape(1) == 4, "theta has the wrong length");
        read_entries(at.data(), k, s, entries);
        require(static_cast<Int>(zx.shape(0)) == s.q && zx.shape(1) == m && xx.shape(1) == m, "zx and xx disagree with the system");
        const CrossXY xy{static_cast<int>(m) - 1, zx.data(), xx.data(), nu, reml};
        w.factor.threads = threads_for(s.cost);
        {
            nb::gil_scoped_release release;
            evaluate(s, system->A, xy, entries, theta.data(), derivatives, w);
        }
        return w.result.status == Status::ok;
    }

    nb::tuple evaluate_(Entries at, Vector theta, Matrix zx, Matrix xx, double nu, bool reml, int derivatives) {
        const bool solved = run(at, theta, zx, xx, nu, reml, derivatives);
        const std::size_t m = xx.shape(0), k = theta.size();
        const auto& r = w.result;
        if (!solved) return nb::make_tuple(static_cast<int>(r.status));
        return nb::make_tuple(0, r.value, derivatives > 0 ? array<double>({k}, r.gradient.data()) : nb::none(),
                              derivatives > 1 ? array<double>({k, k}, r.curvature.data()) : nb::none(), r.r2, r.logdet_omega,
                              r.logdet_rx, array<double>({m - 1}, r.beta.data()),
                              derivatives > 1 ? variance_gradient() : nb::list());
    }

    // The ML deviance with sigma = exp(tau) free: see unprofile()
    nb::tuple unprofiled(Entries at, Vector theta, double tau, Matrix zx, Matrix xx, double n, double constant) {
        if (!run(at, theta, zx, xx, n, false, 2)) return nb::make_tuple(static_cast<int>(w.result.status));
        const std::size_t m = theta.size() + 1, p = xx.shape(0) - 1;
        Unprofiled out;
        unprofile(system->symbolic, entries, theta.data(), tau, n, constant, w, out);
        return nb::make_tuple(0, out.value, array<double>({m}, out.slope.data()), array<double>({m, m}, out.curvature.data()),
                              array<double>({p}, w.result.beta.data()), square_blocks(out.M));
    }

    nb::object external(const std::vector<double>& x, std::size_t m) {
        nb::object out = array<double>({static_cast<std::size_t>(system->symbolic.q), m});
        to_external_order(system->symbolic, x.data(), pointer<double>(out), static_cast<Int>(m));
        return out;
    }
    static nb::list square_blocks(const std::vector<std::vector<double>>& blocks) {
        nb::list out;
        for (const auto& M : blocks) {
            std::size_t k = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(M.size()))));
            out.append(array<double>({k, k}, M.data()));
        }
        return out;
    }
    // M per grouping (K x K): gradient of the criterion by the covariance matrix of the random effects; needs curvature
    nb::list variance_gradient() const { return square_blocks(w.M); }
    nb::object u() { return external(w.result.u, 1); }
    nb::object e() { return external(w.result.e, 1); }
    nb::object rx() {
        std::size_t m = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(w.result.rx.size()))));
        return array<double>({m, m}, w.result.rx.data());
    }

    // Omega^-1 B, or only L^-1 P B (half), whose rows stay in elimination order
    nb::object solve(Matrix B, bool half) {
        const auto& s = system->symbolic;
        const Int m = static_cast<Int>(B.shape(1));
        require(static_cast<Int>(B.shape(0)) == s.q, "B must have q rows");
        std::vector<double> x(s.q * m);
        {
            nb::gil_scoped_release release;
            to_elimination_order(s, B.data(), x.data(), m);
            solve_forward(s, w.factor, x.data(), m);
            if (!half) solve_backward(s, w.factor, x.data(), m);
        }
        return half ? array<double>({static_cast<std::size_t>(s.q), B.shape(1)}, x.data()) : external(x, B.shape(1));
    }

    // Omega^-1 on the pattern of Z'WZ: diagonal blocks per grouping and blocks per pair, as in the arguments of System
    nb::tuple selected() {
        const auto& s = system->symbolic;
        w.factor.threads = threads_for(s.cost);
        {
            nb::gil_scoped_release release;
            invert_selected(s, w.factor);
        }
        nb::list diagonal, pairs;
        std::vector<double*> d, b;
        for (auto& a : system->diagonal) {
            diagonal.append(array<double>({a.shape(0), a.shape(1), a.shape(2)}));
            nb::object last = nb::cast<nb::object>(diagonal[diagonal.size() - 1]);
            d.push_back(pointer<double>(last));
        }
        for (auto& a : system->blocks) {
            pairs.append(array<double>({a.shape(0), a.shape(1), a.shape(2)}));
            nb::object last = nb::cast<nb::object>(pairs[pairs.size() - 1]);
            b.push_back(pointer<double>(last));
        }
        copy_selected(s, w.factor, d, b);
        return nb::make_tuple(diagonal, pairs);
    }

    nb::object multiply_(Matrix X) {
        const auto& s = system->symbolic;
        const Int m = static_cast<Int>(X.shape(1));
        require(static_cast<Int>(X.shape(0)) == s.q, "X must have q rows");
        std::vector<double> x(s.q * m), out(s.q * m);
        to_elimination_order(s, X.data(), x.data(), m);
        multiply(s, system->A, x.data(), out.data(), m);
        return external(out, X.shape(1));
    }
};

// Many responses of one design; owns its workspace and a copy of what all responses share.
struct ResponseBlock {
    System* system;
    Workspace w;
    std::vector<double> zx, xx;
    Matrix zy, xy;
    Vector yy;
    double nu, constant;
    bool reml;
    int p;

    ResponseBlock(System* system_, Matrix zx_, Matrix xx_, Matrix zy_, Matrix xy_, Vector yy_, double nu_, bool reml_, double constant_)
        : system(system_), zx(zx_.data(), zx_.data() + zx_.size()), xx(xx_.data(), xx_.data() + xx_.size()), zy(zy_), xy(xy_), yy(yy_),
          nu(nu_), constant(constant_), reml(reml_), p(static_cast<int>(xx_.shape(0)) - 1) {
        const std::size_t q = static_cast<std::size_t>(system->symbolic.q), m = static_cast<std::size_t>(p) + 1;
        require(zx_.shape(0) == q && zx_.shape(1) == m && xx_.shape(1) == m, "zx and xx disagree with the system");
        require(zy.shape(0) == yy.size() && zy.shape(1) == q && xy.shape(0) == yy.size() && xy.shape(1) + 1 == m,
                "the cross-products of the responses disagree with the system");
    }

    Shared shared() { return {system->symbolic, system->A, p, zx.data(), xx.data(), nu, reml, constant}; }
    Responses responses() const { return {zy.data(), xy.data(), yy.data()}; }
    std::vector<std::vector<ThetaEntry>> read(const Charts& charts) const {
        require(charts.shape(2) == 4, "entries have four numbers");
        std::vector<std::vector<ThetaEntry>> out(charts.shape(0));
        for (std::size_t c = 0; c < out.size(); ++c)
            read_entries(charts.data() + c * charts.shape(1) * 4, charts.shape(1), system->symbolic, out[c]);
        return out;
    }
    // Which response and which chart every row of theta is for.
    void check(const Charts& charts, const Codes& which, const Codes& response, const Matrix& theta) const {
        require(theta.shape(1) == charts.shape(1) && which.size() == theta.shape(0) && response.size() == theta.shape(0),
                "one chart and one response per theta");
        for (std::size_t i = 0; i < which.size(); ++i)
            require(which(i) >= 0 && which(i) < static_cast<int>(charts.shape(0)) && response(i) >= 0 &&
                        response(i) < static_cast<int>(yy.size()),
                    "no such chart or response");
    }
    std::size_t block_sizes() const {
        std::size_t out = 0;
        for (int k : system->symbolic.K) out += static_cast<std::size_t>(k) * k;
        return out;
    }

    // theta with the rows of its entries (their order may have changed), criterion, r2, beta, outcome, evaluations
    nb::tuple search_(Charts charts, Codes which, Codes response, Matrix start, double tol, int most) {
        check(charts, which, response, start);
        const auto entries = read(charts);
        const std::size_t count = start.shape(0), k = start.shape(1), columns = static_cast<std::size_t>(p);
        nb::object theta = array<double>({count, k}, start.data()), value = array<double>({count}), r2 = array<double>({count}),
                   beta = array<double>({count, columns}), outcome = array<int>({count}), evaluations = array<int>({count}),
                   rows = array<int>({count, k});
        double *to = pointer<double>(theta), *f = pointer<double>(value), *r = pointer<double>(r2), *b = pointer<double>(beta);
        int *how = pointer<int>(outcome), *spent = pointer<int>(evaluations), *row = pointer<int>(rows);
        {
            nb::gil_scoped_release release;
            const Shared all = shared();
            Search one;
            std::vector<ThetaEntry> chart;
            for (std::size_t i = 0; i < count; ++i) {
                put(all, responses(), response(i));
                one.theta.assign(to + i * k, to + (i + 1) * k);
                one.beta.assign(columns, 0.0);
                chart = entries[which(i)];
                how[i] = static_cast<int>(search(all, chart, {tol, most}, one, w));
                for (std::size_t j = 0; j < k; ++j) row[i * k + j] = chart[j].row;
                std::copy(one.theta.begin(), one.theta.end(), to + i * k);
                std::copy(one.beta.begin(), one.beta.end(), b + i * columns);
                f[i] = one.value, r[i] = one.r2, spent[i] = one.evaluations;
            }
        }
        return nb::make_tuple(theta, rows, value, r2, beta, outcome, evaluations);
    }

    // Gradient by theta and, with curvature, by the covariance of the random effects (M of every grouping, flat)
    nb::tuple gradients(Charts charts, Codes which, Codes response, Matrix theta, bool by_covariance) {
        check(charts, which, response, theta);
        const auto entries = read(charts);
        const std::size_t count = theta.shape(0), k = theta.shape(1), size = by_covariance ? block_sizes() : 0;
        nb::object gradient = array<double>({count, k}), M = array<double>({count, size}), status = array<int>({count});
        double *g = pointer<double>(gradient), *m = pointer<double>(M);
        int* ok = pointer<int>(status);
        {
            nb::gil_scoped_release release;
            const Shared all = shared();
            const CrossXY xy_{p, all.zx, all.xx, nu, reml};
            for (std::size_t i = 0; i < count; ++i) {
                if (i == 0 || response(i) != response(i - 1)) put(all, responses(), response(i));
                evaluate(all.s, all.A, xy_, entries[which(i)], theta.data() + i * k, by_covariance ? 2 : 1, w);
                ok[i] = static_cast<int>(w.result.status);
                if (ok[i] != 0) continue;
                std::copy(w.result.gradient.begin(), w.result.gradient.end(), g + i * k);
                double* at = m + i * size;
                if (by_covariance)
                    for (const auto& block : w.M) at = std::copy(block.begin(), block.end(), at);
            }
        }
        return nb::make_tuple(status, gradient, M);
    }

    // Value at theta and the sums that inference takes; see level_sums
    nb::tuple finish(Charts charts, Codes which, Codes response, Matrix theta) {
        check(charts, which, response, theta);
        const auto entries = read(charts);
        const std::size_t count = theta.shape(0), k = theta.shape(1), m = static_cast<std::size_t>(p) + 1, columns = m - 1,
                          size = block_sizes(), sums = size * columns * columns;
        nb::object status = array<int>({count}), numbers = array<double>({count, 4}), beta = array<double>({count, columns}),
                   rx = array<double>({count, m, m}), EE = array<double>({count, size}), UU = array<double>({count, sums});
        int* ok = pointer<int>(status);
        double *n = pointer<double>(numbers), *b = pointer<double>(beta), *r = pointer<double>(rx), *e = pointer<double>(EE),
               *u = pointer<double>(UU);
        {
            nb::gil_scoped_release release;
            const Shared all = shared();
            const CrossXY xy_{p, all.zx, all.xx, nu, reml};
            for (std::size_t i = 0; i < count; ++i) {
                put(all, responses(), response(i));
                evaluate(all.s, all.A, xy_, entries[which(i)], theta.data() + i * k, 0, w);
                const auto& found = w.result;
                ok[i] = static_cast<int>(found.status);
                if (ok[i] != 0) continue;
                const double four[] = {found.value + constant, found.r2, found.logdet_omega, found.logdet_rx};
                std::copy(four, four + 4, n + i * 4);
                std::copy(found.beta.begin(), found.beta.end(), b + i * columns);
                std::copy(found.rx.begin(), found.rx.end(), r + i * m * m);
                level_sums(all, entries[which(i)], w, e + i * size, u + i * sums);
            }
        }
        return nb::make_tuple(status, numbers, beta, rx, EE, UU);
    }
};

nb::dict structure(const System& system) {
    const auto& s = system.symbolic;
    nb::dict out;
    out["q"] = s.q, out["nodes"] = s.nodes, out["head"] = s.head, out["tail"] = s.tail, out["panel"] = s.panel;
    out["cost"] = s.cost, out["cost_by_factor"] = s.cost_by_factor, out["order"] = s.minimum_degree ? "minimum degree" : "factor by factor";
    out["head_entries"] = s.head_size + s.panel_size + s.diag_at[s.head], out["flops"] = s.factor_flops;
    return out;
}

// ---- products with Z'WZ, without a factor ---------------------------------------------------------------------------

// The pattern of one grouping with others: (start, partner, blocks or None, same, columns of the other, its first row)
struct PairedLevels {
    std::vector<Starts> starts;
    std::vector<Codes> partners;
    std::vector<std::optional<Blocks>> blocks;
    std::vector<Partners> others;
    std::vector<Int> levels;  // of the other groupings
    int K;
    Int rows = 0;  // levels of this grouping

    PairedLevels(int K_, const std::vector<nb::tuple>& pairs) : K(K_) {
        for (const auto& pair : pairs) {
            starts.push_back(nb::cast<Starts>(pair[0], false));
            partners.push_back(nb::cast<Codes>(pair[1], false));
            blocks.push_back(nb::cast<std::optional<Blocks>>(pair[2], false));
            const auto& b = blocks.back();
            const int k = nb::cast<int>(pair[4]);
            require(!b || (b->shape(0) == partners.back().size() && b->shape(1) == static_cast<std::size_t>(K) &&
                           b->shape(2) == static_cast<std::size_t>(k)),
                    "pair pattern and blocks disagree");
            require(b || (K == 1 && k == 1), "blocks larger than one number must be given");
            rows = static_cast<Int>(starts.back().size()) - 1;
            levels.push_back(nb::cast<Int>(pair[6]));
            others.push_back({starts.back().data(), partners.back().data(), b ? b->data() : nullptr,
                              nb::cast<double>(pair[3]), k, nb::cast<Int>(pair[5])});
        }
    }

    void check(Int first, Int last) const { require(0 <= first && first <= last && last <= rows, "levels out of range"); }

    template <class Array> auto panel(Array& a, Int least) const {
        require(!a || (a->shape(1) == lanes && static_cast<Int>(a->shape(0)) >= least), "a panel has the wrong shape");
        return a ? a->data() : nullptr;
    }

    void pass(Int first, Int last, std::optional<Matrix> x, std::optional<Blocks> B, std::optional<Matrix> given,
              std::optional<Out<double, nb::ndim<2>>> sums, std::optional<Out<double, nb::ndim<2>>> out) const {
        check(first, last);
        Int least = 0;
        for (std::size_t i = 0; i < others.size(); ++i) least = std::max(least, others[i].at + levels[i] * others[i].K);
        const double *px = panel(x, least), *pg = panel(given, rows * K);
        double *ps = panel(sums, rows * K), *po = panel(out, least);
        require(!B || static_cast<Int>(B->size()) == rows * K * K, "one block per level");
        require(!po || B || given, "nothing to add to the other groupings");
        const double* pb = B ? B->data() : nullptr;
        nb::gil_scoped_release release;
        pass_levels(others, K, first, last, px, pb, pg, ps, po);
    }

    void quadratic(int other, Int first, Int last, Blocks B, Out<double, nb::ndim<3>> D) const {
        check(first, last);
        const auto& o = others.at(other);
        require(static_cast<Int>(B.size()) == rows * K * K, "one block per level");
        require(static_cast<Int>(D.size()) == levels[other] * o.K * o.K, "one block per level of the other grouping");
        const double* pb = B.data();
        double* pd = D.data();
        nb::gil_scoped_release release;
        add_quadratic_blocks(o, K, first, last, pb, pd);
    }

    void quadratic_sums(int other, Int first, Int last, Blocks D, Out<double, nb::ndim<3>> T) const {
        check(first, last);
        const auto& o = others.at(other);
        require(static_cast<Int>(D.size()) == levels[other] * o.K * o.K, "one block per level of the other grouping");
        require(static_cast<Int>(T.size()) == rows * K * K, "one block per level");
        const double* pd = D.data();
        double* pt = T.data();
        nb::gil_scoped_release release;
        sum_quadratic_blocks(o, K, first, last, pd, pt);
    }
};

// Grouping and level of every node, in order of elimination
nb::tuple order(const System& system) {
    const auto& s = system.symbolic;
    const std::size_t nodes = s.grouping.size();
    return nb::make_tuple(array<int>({nodes}, s.grouping.data()), array<int>({nodes}, s.level.data()));
}

nb::object minimum_degree_(Codes weight, Starts start, Codes neighbour, double share) {
    require(start.size() == weight.size() + 1 && start(weight.size()) == static_cast<Int>(neighbour.size()), "a graph's rows disagree");
    Graph graph{{weight.data(), weight.data() + weight.size()},
                {start.data(), start.data() + start.size()},
                {neighbour.data(), neighbour.data() + neighbour.size()}};
    std::vector<int> found;
    {
        nb::gil_scoped_release release;
        found = minimum_degree(graph, share);
    }
    return array<int>({found.size()}, found.data());
}

}  // namespace

NB_MODULE(_core, m) {
    nb::set_leak_warnings(false);  // a fit that a cache holds until the interpreter ends is no leak
    m.def("borrow_lapack", &borrow_lapack);
    m.def("ask_threads", &ask_threads, nb::arg("count"));
    m.def("moments", &moments_, nb::arg("x"));
    m.def("cross_products", &cross_products_, nb::arg("x"), nb::arg("centre").noconvert(), nb::arg("scale").noconvert(),
          nb::arg("weights").none(), nb::arg("n"));
    m.def("grouped_products", &grouped_products_, nb::arg("codes").noconvert(), nb::arg("levels"), nb::arg("z"),
          nb::arg("z_centre").noconvert(), nb::arg("z_scale").noconvert(), nb::arg("x"), nb::arg("centre").noconvert(), nb::arg("scale").noconvert(),
          nb::arg("weights").none());
    m.def("pair_products", &pair_products_, nb::arg("first").noconvert(), nb::arg("levels_first"), nb::arg("z_first"),
          nb::arg("centre_first").noconvert(), nb::arg("scale_first").noconvert(), nb::arg("second").noconvert(), nb::arg("levels_second"), nb::arg("z_second"),
          nb::arg("centre_second").noconvert(), nb::arg("scale_second").noconvert(), nb::arg("weights").none());
    m.def("minimum_degree", &minimum_degree_, nb::arg("weight").noconvert(), nb::arg("start").noconvert(), nb::arg("neighbour").noconvert(),
          nb::arg("share"));
    nb::class_<System>(m, "System")
        .def(nb::init<const std::vector<Blocks>&, const std::vector<nb::tuple>&, bool>(), nb::arg("diagonal"), nb::arg("pairs"),
             nb::arg("by_factor") = false)
        .def("order", &order)
        .def("structure", &structure);
    nb::class_<Evaluator>(m, "Workspace")
        .def(nb::init<System*>(), nb::keep_alive<1, 2>())
        .def("evaluate", &Evaluator::evaluate_, nb::arg("entries").noconvert(), nb::arg("theta").noconvert(), nb::arg("zx").noconvert(), nb::arg("xx").noconvert(),
             nb::arg("nu"), nb::arg("reml"), nb::arg("derivatives"))
        .def("unprofiled", &Evaluator::unprofiled, nb::arg("entries").noconvert(), nb::arg("theta").noconvert(), nb::arg("tau"), nb::arg("zx").noconvert(),
             nb::arg("xx").noconvert(), nb::arg("n"), nb::arg("constant"))
        .def("u", &Evaluator::u)
        .def("e", &Evaluator::e)
        .def("rx", &Evaluator::rx)
        .def("solve", &Evaluator::solve, nb::arg("B").noconvert(), nb::arg("half"))
        .def("selected", &Evaluator::selected)
        .def("multiply", &Evaluator::multiply_, nb::arg("X").noconvert());
    nb::class_<ResponseBlock>(m, "ResponseBlock")
        .def(nb::init<System*, Matrix, Matrix, Matrix, Matrix, Vector, double, bool, double>(), nb::keep_alive<1, 2>(), nb::arg("system"),
             nb::arg("zx").noconvert(), nb::arg("xx").noconvert(), nb::arg("zy").noconvert(), nb::arg("xy").noconvert(), nb::arg("yy").noconvert(),
             nb::arg("nu"), nb::arg("reml"), nb::arg("constant"))
        .def("search", &ResponseBlock::search_, nb::arg("charts").noconvert(), nb::arg("which").noconvert(), nb::arg("response").noconvert(),
             nb::arg("start").noconvert(), nb::arg("tol"), nb::arg("most"))
        .def("gradients", &ResponseBlock::gradients, nb::arg("charts").noconvert(), nb::arg("which").noconvert(), nb::arg("response").noconvert(),
             nb::arg("theta").noconvert(), nb::arg("by_covariance"))
        .def("finish", &ResponseBlock::finish, nb::arg("charts").noconvert(), nb::arg("which").noconvert(), nb::arg("response").noconvert(),
             nb::arg("theta").noconvert());
    m.attr("lanes") = lanes;
    nb::class_<PairedLevels>(m, "PairedLevels")
        .def(nb::init<int, const std::vector<nb::tuple>&>(), nb::arg("K"), nb::arg("pairs"))
        .def("pass_levels", &PairedLevels::pass, nb::arg("first"), nb::arg("last"), nb::arg("x").noconvert().none(),
             nb::arg("B").noconvert().none(), nb::arg("given").noconvert().none(), nb::arg("sums").noconvert().none(),
             nb::arg("out").noconvert().none())
        .def("add_quadratic_blocks", &PairedLevels::quadratic, nb::arg("other"), nb::arg("first"), nb::arg("last"),
             nb::arg("B").noconvert(), nb::arg("D").noconvert())
        .def("sum_quadratic_blocks", &PairedLevels::quadratic_sums, nb::arg("other"), nb::arg("first"), nb::arg("last"),
             nb::arg("D").noconvert(), nb::arg("T").noconvert());
}
