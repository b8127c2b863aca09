//! The command line as users see it: help, completions, usage errors.

#[test]
fn command_line() {
    trycmd::TestCases::new().case("tests/cli/*.trycmd");
}
