# lmerTest's and pbkrtest's tables of a fitted model, timed inside R.  Arguments: csv file, formula, repeats.
# Prints: seconds of the Satterthwaite table, of the Kenward-Roger table, versions.
suppressPackageStartupMessages({library(lme4); library(lmerTest)})
args <- commandArgs(trailingOnly = TRUE)
rows <- read.csv(args[1], stringsAsFactors = TRUE)
fit <- lme4::lmer(as.formula(args[2]), rows)
median_of <- function(f) {
  f()
  median(replicate(as.integer(args[3]), as.numeric(system.time(f())["elapsed"])))
}
a <- median_of(function() coef(summary(as_lmerModLmerTest(fit))))
b <- median_of(function() coef(summary(as_lmerModLmerTest(fit), ddf = "Kenward-Roger")))
cat(sprintf("%.6g\t%.6g\tlmerTest %s, pbkrtest %s, R %s\n", a, b, packageVersion("lmerTest"),
            packageVersion("pbkrtest"), getRversion()))
