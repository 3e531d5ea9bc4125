# lmerTest's table of coefficients for many responses on one design, and pbkrtest's where asked.
# Arguments: csv file of the design, file of responses (doubles, one after the other), formula, whether Kenward-Roger
# too (1 or 0), output csv.  Prints versions.
suppressPackageStartupMessages({library(lme4); library(lmerTest)})
args <- commandArgs(trailingOnly = TRUE)
rows <- read.csv(args[1], stringsAsFactors = TRUE)
n <- nrow(rows)
responses <- matrix(readBin(args[2], "double", file.size(args[2]) / 8), nrow = n)
formula <- as.formula(args[3])
kr <- args[4] == "1"
tight <- lmerControl(check.conv.singular = "ignore", check.conv.grad = "ignore", check.conv.hess = "ignore",
                     optimizer = "bobyqa", optCtrl = list(rhobeg = 0.2, rhoend = 1e-8, maxfun = 1e5))
numbers <- function(table) table[, c("Estimate", "Std. Error", "df"), drop = FALSE]
one <- function(i) {
  rows$y <- responses[, i]
  fit <- suppressWarnings(lmerTest::lmer(formula, rows, control = tight))
  found <- data.frame(replicate = i, singular = as.integer(isSingular(fit)), criterion = REMLcrit(fit),
                      term = names(fixef(fit)))
  found[c("estimate", "std_error", "df")] <- suppressWarnings(numbers(coef(summary(fit))))
  if (kr) found[c("estimate", "std_error_kr", "df_kr")] <- numbers(coef(summary(fit, ddf = "Kenward-Roger")))
  found
}
found <- do.call(rbind, parallel::mclapply(seq_len(ncol(responses)), one, mc.cores = parallel::detectCores()))
write.csv(format(found, digits = 12, trim = TRUE), args[5], row.names = FALSE, quote = FALSE)
cat(sprintf("lmerTest %s, pbkrtest %s, lme4 %s, R %s\n", packageVersion("lmerTest"), packageVersion("pbkrtest"),
            packageVersion("lme4"), getRversion()))
