#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "tests/unit/ctl/log_fixture.h"

namespace reeve::ctl {
namespace {

using protocol::State;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// Runs the program on a terminal 70 columns wide.
class TerminalTest : public CtlTest {
  protected:
    std::string on_terminal(std::map<std::string, std::string> environment,
                            std::vector<std::string> arguments) {
        const Fd master(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
        if (grantpt(master.get()) != 0 || unlockpt(master.get()) != 0) return "no terminal";
        char name[64];
        if (ptsname_r(master.get(), name, sizeof name) != 0) return "no terminal";
        Fd terminal(open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
        termios raw{};
        tcgetattr(terminal.get(), &raw);
        cfmakeraw(&raw);
        tcsetattr(terminal.get(), TCSANOW, &raw);
        const winsize size{24, 70, 0, 0};
        ioctl(terminal.get(), TIOCSWINSZ, &size);
        environment["REEVE_RUNTIME_DIR"] = dir_.path();
        environment["REEVE_LOG_DIR"] = dir_ / "log";
        run({std::move(environment), geteuid(), terminal.get(), terminal.get()}, arguments);
        // What it printed is small enough to wait in the terminal.
        char text[4000];
        const ssize_t got = read(master.get(), text, sizeof text);
        return {text, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
    }
};

TEST_F(TerminalTest, HasColoursUnlessTheCallerWantsNone) {
    serve_status({{}, {service("web", State::Failed, std::string(200, 'x'))}});
    EXPECT_THAT(on_terminal({}, {"status"}), HasSubstr("\x1b[31mfailed"));
    EXPECT_THAT(on_terminal({{"NO_COLOR", "1"}}, {"status"}), Not(HasSubstr("\x1b")));
    EXPECT_THAT(on_terminal({{"TERM", "dumb"}}, {"status"}), Not(HasSubstr("\x1b")));
    EXPECT_THAT(on_terminal({}, {"status", "--no-color"}), Not(HasSubstr("\x1b")));
    EXPECT_THAT(on_terminal({}, {"status", "--json"}), Not(HasSubstr("\x1b")));
}

TEST_F(TerminalTest, IsFilledToItsWidth) {
    serve_status({{}, {service("web", State::Stopped, std::string(200, 'x'))}});
    const auto longest_run = [](const std::string& text) {
        return text.rfind('x') - text.find('x') + 1;
    };
    EXPECT_LT(longest_run(on_terminal({}, {"status"})), 70u);
    const std::size_t wide = longest_run(on_terminal({{"COLUMNS", "150"}}, {"status"}));
    EXPECT_EQ(longest_run(on_terminal({{"COLUMNS", "170"}}, {"status"})), wide + 20);
}

TEST_F(TerminalTest, HasBoxesWhereTheLocaleHasThem) {
    serve_status({{}, {service("web", State::Running)}});
    EXPECT_THAT(on_terminal({{"LANG", "C.UTF-8"}}, {"status", "web"}), HasSubstr("●"));
    EXPECT_THAT(on_terminal({{"LANG", "en_US.UTF8"}}, {"status", "web"}), HasSubstr("●"));
    EXPECT_THAT(on_terminal({{"LANG", "en_US.utf-8"}}, {"status", "web"}), HasSubstr("●"));
    EXPECT_THAT(on_terminal({{"LANG", "C.UTF-8"}, {"LC_ALL", "C"}}, {"status", "web"}),
                Not(HasSubstr("●")));
}

TEST_F(TerminalTest, ColoursWhatIsAddedAndWhatGoes) {
    protocol::ConfigurationDiff diff;
    diff.services = {{"new", protocol::DefinitionChange::Effect::Added, {}},
                     {"old", protocol::DefinitionChange::Effect::Removed, {}}};
    serve_result(diff);
    EXPECT_THAT(on_terminal({}, {"diff"}),
                AllOf(HasSubstr("\x1b[32m+ new\x1b[0m"), HasSubstr("\x1b[31m- old\x1b[0m")));
    EXPECT_THAT(on_terminal({{"NO_COLOR", "1"}}, {"diff"}), Not(HasSubstr("\x1b")));
}

TEST_F(TerminalTest, IsSafeFromWhatServicesLog) {
    write_file(dir_ / "log/web/current", record(1, "\x1b[31mred\x1b[2J\x07"));
    EXPECT_EQ(on_terminal({}, {"logs", "web"}), "\x1b[31mred\\e[2J\\x07\x1b[0m\n");
}

TEST_F(TerminalTest, ColoursTheNamesBeforeLines) {
    write_file(dir_ / "log/web/current", record(1, "x"));
    write_file(dir_ / "log/db/current", record(2, "y"));
    EXPECT_THAT(on_terminal({}, {"logs"}), HasSubstr("mweb |\x1b[0m x\n"));
    EXPECT_THAT(on_terminal({{"NO_COLOR", "1"}}, {"logs"}), HasSubstr("web | x\n"));
}

}  // namespace
}  // namespace reeve::ctl
