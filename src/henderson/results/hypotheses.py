"""Third shelf of a fit: degrees of freedom and tests of fixed effects."""

from __future__ import annotations

from henderson.inference.small_sample import SmallSample, check_ddf, check_information, small_sample
from henderson.results.tables import Tables


class Hypotheses(Tables):
    """Tests of fixed effects; see `LinearMixedFit`."""

    def _small_sample(self, ddf: str = "satterthwaite", information: str = "expected") -> SmallSample:
        key = f"_small_sample {check_ddf(ddf)} {check_information(information)}"
        if key not in self.__dict__:
            self.__dict__[key] = small_sample(self.design, self.estimate, ddf, information)
        sample: SmallSample = self.__dict__[key]
        return sample
