// The only file that knows Python: shape checks, array lifetimes, and one line per kernel.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <optional>
#include <string>

#include "criterion.hpp"
#include "crossprod.hpp"
#include "lapack.hpp"

namespace nb = nanobind;
using namespace henderson;

template <class T, class Shape> using In = nb::ndarray<const T, Shape, nb::c_contig, nb::device::cpu>;
using Vector = In<double, nb::ndim<1>>;
using Matrix = In<double, nb::ndim<2>>;
using Blocks = In<double, nb::ndim<3>>;
using Codes = In<int, nb::ndim<1>>;
using Starts = In<Int, nb::ndim<1>>;
using Entries = In<int, nb::ndim<2>>;

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
    nb::gil_scoped_release release;
    cross_products(cols, w, n, to);
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
    {
        nb::gil_scoped_release release;
        grouped_products(codes.data(), levels, zc, xc, w, n, a, b);
    }
    return nb::make_tuple(zz, zx);
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

    System(const std::vector<Blocks>& diagonal_, const std::vector<nb::tuple>& pairs) : diagonal(diagonal_) {
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
        symbolic = analyse(K, levels, patterns);
    }
};

struct Evaluator {
    System* system;
    Workspace w;
    std::vector<ThetaEntry> entries;

    explicit Evaluator(System* system_) : system(system_) {}

    nb::tuple evaluate_(Entries at, Vector theta, Matrix zx, Matrix xx, double nu, bool reml, int derivatives) {
        const auto& s = system->symbolic;
        const std::size_t m = xx.shape(0), k = theta.size();
        require(at.shape(0) == k && at.shape(1) == 4, "theta has the wrong length");
        entries.resize(k);
        for (std::size_t i = 0; i < k; ++i) {
            const bool pivot = i == 0 || at(i, 3) != at(i - 1, 3) || at(i, 2) != at(i - 1, 2);
            entries[i] = {at(i, 0), at(i, 1), at(i, 2), at(i, 3), pivot};
            require(at(i, 0) >= 0 && at(i, 0) < static_cast<int>(s.K.size()) && at(i, 1) >= 0 && at(i, 1) < s.K[at(i, 0)] &&
                        at(i, 2) >= 0 && at(i, 2) < s.K[at(i, 0)],
                    "an entry of theta lies outside its block");
        }
        require(static_cast<Int>(zx.shape(0)) == s.q && zx.shape(1) == m && xx.shape(1) == m, "zx and xx disagree with the system");
        const CrossXY xy{static_cast<int>(m) - 1, zx.data(), xx.data(), nu, reml};
        {
            nb::gil_scoped_release release;
            evaluate(s, system->A, xy, entries, theta.data(), derivatives, w);
        }
        const auto& r = w.result;
        if (r.status != Status::ok) return nb::make_tuple(static_cast<int>(r.status));
        return nb::make_tuple(0, r.value, derivatives > 0 ? array<double>({k}, r.gradient.data()) : nb::none(),
                              derivatives > 1 ? array<double>({k, k}, r.curvature.data()) : nb::none(), r.r2, r.logdet_omega,
                              r.logdet_rx, array<double>({m - 1}, r.beta.data()),
                              derivatives > 1 ? variance_gradient() : nb::list());
    }

    nb::object external(const std::vector<double>& x, std::size_t m) {
        nb::object out = array<double>({static_cast<std::size_t>(system->symbolic.q), m});
        to_external_order(system->symbolic, x.data(), pointer<double>(out), static_cast<Int>(m));
        return out;
    }
    // M per grouping (K x K): gradient of the criterion by the covariance matrix of the random effects; needs curvature
    nb::list variance_gradient() {
        nb::list out;
        for (const auto& M : w.M) {
            std::size_t k = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(M.size()))));
            out.append(array<double>({k, k}, M.data()));
        }
        return out;
    }
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

nb::dict structure(const System& system) {
    const auto& s = system.symbolic;
    nb::dict out;
    out["q"] = s.q, out["nodes"] = s.nodes, out["head"] = s.head, out["tail"] = s.tail, out["panel"] = s.panel;
    out["head_entries"] = s.head_size + s.panel_size + s.diag_at[s.head], out["flops"] = s.factor_flops;
    return out;
}

}  // namespace

NB_MODULE(_core, m) {
    nb::set_leak_warnings(false);  // a fit that a cache holds until the interpreter ends is no leak
    m.def("borrow_lapack", &borrow_lapack);
    m.def("moments", &moments_, nb::arg("x"));
    m.def("cross_products", &cross_products_, nb::arg("x"), nb::arg("centre").noconvert(), nb::arg("scale").noconvert(),
          nb::arg("weights").none(), nb::arg("n"));
    m.def("grouped_products", &grouped_products_, nb::arg("codes").noconvert(), nb::arg("levels"), nb::arg("z"),
          nb::arg("z_centre").noconvert(), nb::arg("z_scale").noconvert(), nb::arg("x"), nb::arg("centre").noconvert(), nb::arg("scale").noconvert(),
          nb::arg("weights").none());
    m.def("pair_products", &pair_products_, nb::arg("first").noconvert(), nb::arg("levels_first"), nb::arg("z_first"),
          nb::arg("centre_first").noconvert(), nb::arg("scale_first").noconvert(), nb::arg("second").noconvert(), nb::arg("levels_second"), nb::arg("z_second"),
          nb::arg("centre_second").noconvert(), nb::arg("scale_second").noconvert(), nb::arg("weights").none());
    nb::class_<System>(m, "System")
        .def(nb::init<const std::vector<Blocks>&, const std::vector<nb::tuple>&>(), nb::arg("diagonal"), nb::arg("pairs"))
        .def("structure", &structure);
    nb::class_<Evaluator>(m, "Workspace")
        .def(nb::init<System*>(), nb::keep_alive<1, 2>())
        .def("evaluate", &Evaluator::evaluate_, nb::arg("entries").noconvert(), nb::arg("theta").noconvert(), nb::arg("zx").noconvert(), nb::arg("xx").noconvert(),
             nb::arg("nu"), nb::arg("reml"), nb::arg("derivatives"))
        .def("u", &Evaluator::u)
        .def("e", &Evaluator::e)
        .def("rx", &Evaluator::rx)
        .def("solve", &Evaluator::solve, nb::arg("B").noconvert(), nb::arg("half"))
        .def("selected", &Evaluator::selected)
        .def("multiply", &Evaluator::multiply_, nb::arg("X").noconvert());
}
