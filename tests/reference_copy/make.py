"""Make the compact copy from the reference folder: ``python -m tests.reference_copy.make``.

Kept are the models fitted to data sets that ship with the package and those fitted to the simulated sets
``sim_*`` (CC0), whose CSV files are copied here too.  Of long lists the first entries are kept; numbers stay
as recorded, 15 to 17 digits.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tests.parity import reference

HERE = Path(__file__).resolve().parent
SHIPPED = ("sleepstudy", "Dyestuff", "Dyestuff2", "Penicillin", "Pastes", "cbpp", "Orthodont", "Machines")
WHOLE = (
    "formula",
    "REML",
    "weights",
    "offset",
    "contrasts",
    "subset",
    "caveat",
    "n_obs",
    "n_groups",
    "cnms",
    "theta_names",
    "theta",
    "beta_names",
    "beta",
    "se",
    "sigma",
    "loglik",
    "df",
    "minus2loglik",
    "AIC",
    "BIC",
    "df_residual",
    "is_singular",
    "dropped_columns",
    "Z",
    "fitted_sum",
    "fitted_sumsq",
    "resid_sumsq",
    "hatvalues_sum",
    "confint_wald",
    "predict",
    "refitML",
    "lmerTest",
    "pbkrtest",
    "car_anova",
    "ranova",
    "emmeans",
    "emtrends",
    "confint_profile",
    "performance",
    "rePCA",
    "influence",
)
HEADS = ("fitted_head", "resid_head", "pearson_resid_head", "hatvalues_head", "cooks_distance_head")
LEVELS = 8


def compact_ranef(entry: dict[str, Any]) -> dict[str, Any]:
    """The first levels of one grouping factor."""
    out = {"columns": entry["columns"]} | {key: entry[key][:LEVELS] for key in ("levels", "values")}
    if entry.get("condvar") is not None:
        out["condvar"] = entry["condvar"][:LEVELS]
    if entry.get("condvar_terms") is not None:
        out["condvar_terms"] = {name: block[:LEVELS] for name, block in entry["condvar_terms"].items()}
    return out


def compact(numbers: dict[str, Any]) -> dict[str, Any]:
    """What the tests look at."""
    out = {key: numbers[key] for key in WHOLE if key in numbers}
    out |= {key: numbers[key][:LEVELS] for key in HEADS if key in numbers}
    out["X"] = numbers["X"] | {"head": numbers["X"]["head"][:2]}
    kept = ("term", "group", "names", "sd", "cov")
    out["varcorr"] = [{key: term[key] for key in kept} for term in numbers["varcorr"]]
    out["ranef"] = {name: compact_ranef(entry) for name, entry in numbers["ranef"].items()}
    out["default_fit"] = {"feval": numbers["default_fit"].get("feval")}
    return out


def place(model: reference.Recorded) -> dict[str, str] | None:
    """Where a bare clone finds the data: a shipped data set, or a copied file; None for neither."""
    name = Path(model.data).name.split(".")[0]
    if name in SHIPPED:
        return {"dataset": name.lower()}
    return {"data_file": f"data/{name}.csv"} if name.startswith("sim_") else None


def main() -> None:
    """Write the copy."""
    models = reference.visible()
    if not models:
        raise SystemExit(reference.MISSING)
    (HERE / "comparisons").mkdir(exist_ok=True)
    pairs = reference.comparisons()
    for model in [*models, *pairs]:
        where = place(model)
        if where is None:
            continue
        numbers, folder = (
            (model.numbers, HERE / "comparisons") if model in pairs else (compact(model.numbers), HERE)
        )
        text = json.dumps(where | numbers, separators=(",", ":"))
        (folder / f"{model.id}.json").write_text(text + "\n")
        if "data_file" in where:
            stem = model.folder / where["data_file"]
            for source in (stem, stem.with_suffix(".json")):
                shutil.copyfile(source, HERE / "data" / source.name)


if __name__ == "__main__":
    main()
