//! The words a user meets: help, and what is said to wrong arguments, each with its exit code.
//! `TRYCMD=overwrite cargo test -p bench --test words` writes them anew; read the difference.

#[test]
fn what_is_said_on_the_command_line() {
    trycmd::TestCases::new().case("tests/words/*.trycmd").run();
}
