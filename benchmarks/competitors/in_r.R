# A package of R (the first argument: lme4 or glmmTMB), timed inside R.  Requests on standard input, one a
# line, fields separated by tabs:
#   action  csv file  sidecar with one column name and type a line  repeats  REML  formula
# Answers, one a line: "ok <log-likelihood> <evaluations> <seconds> ..." or "error <reason>".
package <- commandArgs(trailingOnly = TRUE)[1]
suppressPackageStartupMessages(library(package, character.only = TRUE))
mixed <- if (package == "lme4") lmer else glmmTMB
evaluations <- function(fit) if (package == "lme4") fit@optinfo$feval else fit$fit$evaluations[["function"]]
blas <- basename(extSoftVersion()[["BLAS"]])
cat("versions\t", package, " ", as.character(packageVersion(package)), "\tR ", as.character(getRversion()),
    "\tBLAS ", blas, "\n", sep = "")
flush(stdout())
con <- file("stdin", "r")
cached <- list(file = "")

read_rows <- function(file, sidecar) {
  types <- read.delim(sidecar, header = FALSE, colClasses = "character")
  classes <- setNames(ifelse(types$V2 == "factor", "character", "numeric"), types$V1)
  if (requireNamespace("data.table", quietly = TRUE)) {
    rows <- as.data.frame(data.table::fread(file, colClasses = classes, showProgress = FALSE))
  } else {
    rows <- read.csv(file, colClasses = classes)
  }
  for (name in types$V1[types$V2 == "factor"]) rows[[name]] <- factor(rows[[name]])
  rows
}

answer <- function(fields) {
  if (cached$file != fields[2]) cached <<- list(file = fields[2], rows = read_rows(fields[2], fields[3]))
  if (fields[1] == "load") return("ok\tNaN\t0")
  formula <- as.formula(fields[6])
  repeats <- as.integer(fields[4]); reml <- fields[5] == "1"
  seconds <- numeric(repeats)
  if (fields[1] == "refit") {
    if (is.null(cached$fit)) cached$fit <<- mixed(formula, cached$rows, REML = reml)
    y <- cached$rows[[as.character(formula[[2]])]]
    y <- y * (1 + 0.02 * sin(seq_along(y) - 1))
  }
  for (i in seq_len(repeats)) {
    begin <- Sys.time()
    fit <- if (fields[1] == "refit") refit(cached$fit, y) else mixed(formula, cached$rows, REML = reml)
    seconds[i] <- as.numeric(difftime(Sys.time(), begin, units = "secs"))
  }
  sprintf("ok\t%.17g\t%d\t%s", as.numeric(logLik(fit)), as.integer(evaluations(fit)),
          paste(sprintf("%.6g", seconds), collapse = "\t"))
}

while (length(line <- readLines(con, n = 1)) > 0) {
  out <- tryCatch(suppressMessages(suppressWarnings(answer(strsplit(line, "\t")[[1]]))),
                  error = function(e) paste0("error\t", gsub("[\t\n]", " ", conditionMessage(e))))
  cat(out, "\n", sep = "")
  flush(stdout())
}
