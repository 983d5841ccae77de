#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/sources.h"
#include "tests/unit/config/support.h"

namespace reeve::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

LoadResult load_paths(std::vector<std::string> paths) {
    LoadOptions options;
    options.paths = std::move(paths);
    return load(options);
}

std::string service(std::string_view name) {
    return "services: {" + std::string(name) + ": {command: x}}\n";
}

std::vector<std::string> names_in(const LoadResult& result) {
    std::vector<std::string> names;
    if (result.plan == nullptr) return {"no plan"};
    for (const ServicePtr& s : result.plan->services) names.push_back(s->name);
    return names;
}

TEST(Files, OneThatIsNoYamlSaysNothingOfNamesThatMayStandInIt) {
    const TempDir dir;
    const auto broken = dir.write("a.yaml", "services: {app: {command: [x}\n");
    const auto whole = dir.write("b.yaml", "services: {web: {command: x, requires: [app]}}\n");
    const LoadResult result = load_paths({broken, whole});
    ASSERT_THAT(result.problems, SizeIs(1));
    EXPECT_THAT(result.problems[0].position.file, testing::EndsWith("a.yaml"));
}

TEST(Files, AreReadInTheOrderGiven) {
    const TempDir dir;
    const auto one = dir.write("one.yaml", service("b"));
    const auto two = dir.write("two.yaml", service("a"));
    const LoadResult result = load_paths({two, one});
    EXPECT_THAT(names_in(result), ElementsAre("a", "b"));
    EXPECT_THAT(result.plan->files, ElementsAre(std::filesystem::canonical(two).string(),
                                                std::filesystem::canonical(one).string()));
}

TEST(Files, OfAFolderAreReadInOrderOfName) {
    const TempDir dir;
    dir.write("d/20.yaml", service("b"));
    dir.write("d/10.yaml", service("a"));
    dir.write("d/.hidden.yaml", "[");
    dir.write("d/readme.txt", "[");
    dir.write("d/old.yml", "[");
    const LoadResult result = load_paths({dir / "d"});
    ASSERT_THAT(names_in(result), ElementsAre("a", "b"));
    EXPECT_THAT(result.plan->files[0], testing::EndsWith("/d/10.yaml"));
}

TEST(Files, OfAnEmptyFolderAreAWarning) {
    const TempDir dir;
    std::filesystem::create_directory(dir / "d");
    const LoadResult result = load_paths({dir / "d"});
    EXPECT_NE(result.plan, nullptr);
    EXPECT_THAT(lines_of(result),
                ElementsAre(dir / "d" + ":1:1: warning: the folder has no *.yaml; put one there"));
}

TEST(Files, ThatAreMissingAreErrors) {
    const TempDir dir;
    EXPECT_THAT(lines_of(load_paths({dir / "no.yaml", dir / "none"})),
                ElementsAre(HasSubstr("no.yaml: No such file or directory; name a file"),
                            HasSubstr("none: No such file or directory")));
    EXPECT_THAT(lines_of(load_paths({})), ElementsAre(HasSubstr("no configuration is named")));
}

TEST(Files, OfDefaultPlacesMayBeMissingButNotAll) {
    const TempDir dir;
    LoadOptions options;
    options.paths_may_be_missing = true;
    options.paths = {dir / "reeve.yaml", dir / "services.d"};
    EXPECT_THAT(lines_of(load(options)),
                ElementsAre(HasSubstr("error: cannot find " + (dir / "reeve.yaml") + " or " +
                                      (dir / "services.d") + "; write one")));
    dir.write("services.d/a.yaml", service("a"));
    EXPECT_THAT(names_in(load(options)), ElementsAre("a"));
}

TEST(Files, MustBeRegular) {
    const TempDir dir;
    ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
    std::filesystem::create_directory(dir / "d");
    std::filesystem::create_directory(dir / "d/sub.yaml");
    EXPECT_THAT(lines_of(load_paths({dir / "fifo", dir / "d", "/dev/null"})),
                ElementsAre(HasSubstr("fifo:1:1: error: is not a regular file"),
                            HasSubstr("sub.yaml:1:1: error: is not a regular file"),
                            HasSubstr("/dev/null:1:1: error: is not a regular file")));
}

TEST(Files, ThatCannotBeReadAreErrors) {
    const TempDir dir;
    const auto file = dir.write("a.yaml", service("a"));
    ::chmod(file.c_str(), 0);
    if (::access(file.c_str(), R_OK) == 0) GTEST_SKIP() << "root reads everything";
    EXPECT_THAT(lines_of(load_paths({file})), ElementsAre(HasSubstr("Permission denied")));
}

TEST(Files, OverFourMiBAreRefused) {
    const TempDir dir;
    const auto file = dir.write("a.yaml", "#" + std::string(yaml::kLargestFile, 'x'));
    EXPECT_THAT(lines_of(load_paths({file})), ElementsAre(HasSubstr("larger than 4 MiB")));
}

TEST(Files, ReportTheProblemsOfAllInOrder) {
    const TempDir dir;
    const auto z = dir.write("z.yaml", "services: {z: {}}\n");
    const auto a = dir.write("a.yaml", "a: [\n");
    const auto m = dir.write("m.yaml", "services: {m: {}}\n");
    EXPECT_THAT(lines_of(load_paths({z, a, m})),
                ElementsAre(StartsWith(z + ":1:12: error: services.z"), StartsWith(a + ":"),
                            StartsWith(m + ":1:12: error: services.m")));
}

TEST(Includes, AreGlobsRelativeToTheFile) {
    const TempDir dir;
    const auto main =
        dir.write("main.yaml", "include: [more/*.yaml, 'x/../plain.yaml']\n" + service("m"));
    dir.write("more/2.yaml", service("b"));
    dir.write("more/1.yaml", service("a"));
    dir.write("x/y", "");
    dir.write("plain.yaml", service("p"));
    EXPECT_THAT(names_in(load_paths({main})), ElementsAre("a", "b", "m", "p"));
}

TEST(Includes, WorkBelowFoldersThatLookLikePatterns) {
    const TempDir dir;
    const auto main = dir.write("a[b]*c/main.yaml", "include: ['*.inc']\n");
    dir.write("a[b]*c/x.inc", service("x"));
    EXPECT_THAT(names_in(load_paths({main})), ElementsAre("x"));
}

TEST(Includes, WarnWhereAPatternMatchesNothing) {
    const TempDir dir;
    const auto main = dir.write("main.yaml", "include: ['no/*.yaml']\n" + service("m"));
    const LoadResult result = load_paths({main});
    EXPECT_THAT(names_in(result), ElementsAre("m"));
    EXPECT_THAT(lines_of(result),
                ElementsAre(main + ":1:11: warning: include[0]: \"no/*.yaml\" matches no file; "
                                   "remove it or add a file"));
}

TEST(Includes, RefuseAPlainNameThatIsMissing) {
    const TempDir dir;
    const auto main = dir.write("main.yaml", "include: [no.yaml, '', 5, [a]]\n" + service("m"));
    EXPECT_THAT(lines_of(load_paths({main})),
                ElementsAre(StartsWith(main + ":1:11: error: include[0]: cannot read "),
                            HasSubstr("include[1]"), HasSubstr("include[2]"),
                            HasSubstr("include[3]: is a list")));
    const auto other = dir.write("other.yaml", "include: x\n");
    EXPECT_THAT(lines_of(load_paths({other})),
                testing::Contains(HasSubstr("include: is a string")));
}

TEST(Includes, ReadEachFileOnce) {
    const TempDir dir;
    const auto a = dir.write("a.yaml", "include: ['*.yaml', a.yaml]\n" + service("a"));
    const auto b = dir.write("b.yaml", "include: [a.yaml, ./b.yaml]\n" + service("b"));
    std::filesystem::create_symlink(b, dir / "c.yaml");
    const LoadResult result = load_paths({a, b, a});
    EXPECT_THAT(lines_of(result), IsEmpty());
    EXPECT_THAT(names_in(result), ElementsAre("a", "b"));
    EXPECT_THAT(result.plan->files, SizeIs(2));
}

TEST(Includes, MayFormALongChain) {
    const TempDir dir;
    for (int i = 0; i < 300; ++i) {
        dir.write(std::to_string(i) + ".inc", "include: [" + std::to_string(i + 1) + ".inc]\n");
    }
    dir.write("300.inc", service("last"));
    EXPECT_THAT(names_in(load_paths({dir / "0.inc"})), ElementsAre("last"));
}

TEST(SeveralFiles, ShareTheirDefaults) {
    const TempDir dir;
    const auto a = dir.write("a.yaml", service("a"));
    const auto b = dir.write("b.yaml", "defaults: {nice: 5, stop: {timeout: 1s}}\n");
    const auto c = dir.write("c.yaml", "defaults: {umask: 077, stop: {signal: INT}}\n");
    const LoadResult result = load_paths({a, b, c});
    ASSERT_THAT(lines_of(result), IsEmpty());
    const Service& s = *result.plan->services[0];
    EXPECT_EQ(s.execution.nice, 5);
    EXPECT_EQ(s.execution.umask, 077u);
    EXPECT_EQ(s.policy.stop.timeout, 1s);
    EXPECT_EQ(s.policy.stop.signal, SIGINT);
}

TEST(SeveralFiles, MayNotSetTheSameKey) {
    const TempDir dir;
    const auto a = dir.write("a.yaml", "defaults: {nice: 5}\nsupervisor: {log: {level: info}}\n");
    const auto b = dir.write(
        "b.yaml", "defaults:\n  nice: 5\nsupervisor: {log: {level: info, format: text}}\n");
    EXPECT_THAT(lines_of(load_paths({a, b})),
                testing::Contains(b + ":2:3: error: defaults.nice: is already set at " + a +
                                  ":1:12; keep one of them"));
    EXPECT_THAT(lines_of(load_paths({a, b})),
                testing::Contains(HasSubstr("error: supervisor.log.level: is already set at")));
}

TEST(SeveralFiles, MayNotHoldTheSameService) {
    const TempDir dir;
    const auto a = dir.write("a.yaml", service("web"));
    const auto b = dir.write("b.yaml", service("web"));
    EXPECT_THAT(lines_of(load_paths({a, b})),
                ElementsAre(b + ":1:12: error: services.web: is also in " + a +
                            ":1:12; keep one of them, or rename one"));
}

struct stat status_of(uid_t uid, gid_t gid, mode_t mode) {
    struct stat status {};
    status.st_uid = uid;
    status.st_gid = gid;
    status.st_mode = S_IFREG | mode;
    return status;
}

TEST(Ownership, IsRootsAloneAsRoot) {
    EXPECT_EQ(unsafe_ownership(status_of(0, 0, 0644), 0), "");
    EXPECT_EQ(unsafe_ownership(status_of(0, 5, 0644), 0), "");
    EXPECT_EQ(unsafe_ownership(status_of(0, 0, 0664), 0), "") << "only root is in group root";
    EXPECT_NE(unsafe_ownership(status_of(1000, 0, 0644), 0), "");
    EXPECT_NE(unsafe_ownership(status_of(0, 5, 0664), 0), "");
    EXPECT_NE(unsafe_ownership(status_of(0, 0, 0646), 0), "");
}

TEST(Ownership, IsTheUsersOrRootsOtherwise) {
    EXPECT_EQ(unsafe_ownership(status_of(1234567, 5, 0644), 1234567), "");
    EXPECT_EQ(unsafe_ownership(status_of(0, 0, 0644), 1234567), "");
    EXPECT_NE(unsafe_ownership(status_of(1234568, 5, 0644), 1234567), "");
    EXPECT_NE(unsafe_ownership(status_of(1234567, 5, 0664), 1234567), "");
    EXPECT_NE(unsafe_ownership(status_of(1234567, 5, 0646), 1234567), "");
}

TEST(Ownership, IsCheckedForFilesAndFolders) {
    const TempDir dir;
    const auto file = dir.write("d/a.yaml", service("a"));
    ::chmod(file.c_str(), 0666);
    EXPECT_THAT(lines_of(load_paths({file})),
                ElementsAre(file + ":1:1: error: can be written by everybody; chown it to root and "
                                   "chmod go-w it"));
    ::chmod(file.c_str(), 0644);
    ::chmod((dir / "d").c_str(), 0777);
    EXPECT_THAT(lines_of(load_paths({dir / "d"})), ElementsAre(HasSubstr("can be written by")));
    EXPECT_THAT(lines_of(load_paths({file})), IsEmpty());
}

}  // namespace
}  // namespace reeve::config
