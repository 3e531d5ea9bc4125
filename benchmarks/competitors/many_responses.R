# Refits of one design in lme4, timed inside R.  Arguments: csv file of the design, csv file of responses, formula.
# Prints: seconds of one refit(), seconds of one lmer() with lmerTest's table of fixed effects, versions.
suppressPackageStartupMessages({library(lme4); library(lmerTest)})
args <- commandArgs(trailingOnly = TRUE)
rows <- read.csv(args[1], stringsAsFactors = TRUE)
responses <- as.matrix(read.csv(args[2]))
formula <- as.formula(paste("response", args[3]))
for (name in all.vars(formula[[3]])) {
  if (any(grepl(paste0("\\|[^)]*\\b", name, "\\b"), args[3]))) rows[[name]] <- factor(rows[[name]])
}
clock <- function(code) as.numeric(system.time(suppressWarnings(suppressMessages(code)))["elapsed"])
rows$response <- responses[, 1]
fit <- suppressMessages(lme4::lmer(formula, rows))
a <- clock(for (j in seq_len(ncol(responses))) refit(fit, responses[, j]))
b <- clock(for (j in seq_len(ncol(responses))) {
  rows$response <- responses[, j]
  coef(summary(lmerTest::lmer(formula, rows)))
})
cat(sprintf("%.6g\t%.6g\tlme4 %s, lmerTest %s, R %s\n", a / ncol(responses), b / ncol(responses),
            packageVersion("lme4"), packageVersion("lmerTest"), getRversion()))
