#include "config/check_report.h"

#include <algorithm>

namespace reeve::config {

namespace {

std::string count(std::size_t n, const std::string& what) {
    return std::to_string(n) + ' ' + what + (n == 1 ? "" : "s");
}

}  // namespace

CheckReport check_report(const LoadResult& result) {
    CheckReport report;
    report.valid = result.plan != nullptr;
    for (const Problem& problem : result.problems) report.problems += to_line(problem) + '\n';
    const auto errors = static_cast<std::size_t>(
        std::count_if(result.problems.begin(), result.problems.end(),
                      [](const Problem& p) { return p.severity == Severity::Error; }));
    const std::size_t warnings = result.problems.size() - errors;
    if (report.valid) {
        report.summary = "valid: " + count(result.plan->services.size(), "service") + " in " +
                         count(result.plan->files.size(), "file");
    } else {
        report.summary = "not valid: " + count(errors, "error");
    }
    if (warnings > 0) report.summary += ", " + count(warnings, "warning");
    report.summary += '\n';
    return report;
}

}  // namespace reeve::config
