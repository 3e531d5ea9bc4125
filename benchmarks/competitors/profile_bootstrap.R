# lme4's profile() and bootMer(), timed inside R.  Arguments: csv file, formula, refits, processes.
# Prints: seconds of profile, seconds of confint of it, seconds of bootMer, versions.
suppressPackageStartupMessages(library(lme4))
args <- commandArgs(trailingOnly = TRUE)
rows <- read.csv(args[1], stringsAsFactors = TRUE, colClasses = NA)
formula <- as.formula(args[2])
for (name in all.vars(formula[[3]])) {
  if (any(grepl(paste0("\\|[^)]*\\b", name, "\\b"), args[2]))) rows[[name]] <- factor(rows[[name]])
}
fit <- lmer(formula, rows)
clock <- function(code) as.numeric(system.time(suppressWarnings(suppressMessages(code)))["elapsed"])
values <- function(m) c(fixef(m), as.data.frame(VarCorr(m))$sdcor)
profiled <- NULL
a <- clock(profiled <- profile(fit))
b <- clock(confint(profiled))
processes <- as.integer(args[4])
kind <- if (processes > 1) "multicore" else "no"
c <- clock(bootMer(fit, values, nsim = as.integer(args[3]), seed = 1, parallel = kind, ncpus = processes))
cat(sprintf("%.6g\t%.6g\t%.6g\tlme4 %s, R %s\n", a, b, c, packageVersion("lme4"), getRversion()))
