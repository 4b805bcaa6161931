// Text as /proc prints it, and what hostile names make of it.
#include "platform/linux/processes/proc_pid.h"

#include "platform/linux/privilege.h"
#include "platform/linux/processes/process_source.h"
#include "tests/unit/catch.h"

using namespace synfate;

namespace {

constexpr std::string_view numbers =
    " 1 1234 1234 0 -1 4194560 100 0 0 0 5 3 0 0 20 0 7 0 987654 1000 200 18446744073709551615 1 1 "
    "0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

} // namespace

TEST_CASE("stat gives name, state, parent, threads and start") {
  const auto stat = parse_process_stat("1234 (nginx) S" + std::string(numbers));
  REQUIRE(stat);
  CHECK(stat->pid == 1234);
  CHECK(stat->name == "nginx");
  CHECK(stat->state == "sleeping");
  CHECK(stat->parent == 1);
  CHECK(stat->threads == 7);
  CHECK(stat->start_ticks == 987654);
}

TEST_CASE("a name that looks like the rest of the line does not mislead") {
  const auto stat = parse_process_stat("12 (a) Z 9 (b\n\xff) T" + std::string(numbers));
  REQUIRE(stat);
  CHECK(stat->name == "a) Z 9 (b\n\xff");
  CHECK(stat->state == "stopped");
  CHECK(stat->parent == 1);
}

TEST_CASE("a shortened stat is refused") {
  for (const auto* text :
       {"", "12", "12 (a", "12 (a)", "12 (a) S", "12 (a) S 1 2 3", ") (", "x (a) S"})
    CHECK_FALSE(parse_process_stat(text));
  CHECK_FALSE(parse_process_stat("x (nginx) S" + std::string(numbers)));
}

TEST_CASE("every state letter of the kernel has a word") {
  for (const char letter : std::string_view("RSDTtZXxIP"))
    CHECK_FALSE(process_state_word(letter).empty());
  CHECK(process_state_word('t') == "traced");
  CHECK(process_state_word('?').empty());
}

TEST_CASE("status gives the effective user, tracer, seccomp and capabilities") {
  const auto status = parse_process_status(
      "Name:\tUid:\t5\nTracerPid:\t77\nUid:\t1\t33\t33\t33\n"
      "Gid:\t2\t34\t34\t34\nFDSize:\t256\nCapPrm:\t01\nCapEff:\t00000000a80425fb\n"
      "Seccomp:\t2\nSeccomp_filters:\t1\n");
  CHECK(status.effective_uid == 33);
  CHECK(status.effective_gid == 34);
  CHECK(status.tracer == 77);
  CHECK(status.seccomp == 2);
  CHECK(status.descriptor_slots == 256);
  CHECK(status.effective_capabilities == "00000000a80425fb");
  const auto empty = parse_process_status("Uid:\nTracerPid:\tx\n");
  CHECK_FALSE(empty.effective_uid);
  CHECK_FALSE(empty.tracer);
}

TEST_CASE("the descriptor limit is the soft one") {
  CHECK(parse_descriptor_limit(
            "Limit  Soft Limit  Hard Limit  Units\n"
            "Max open files            1024                 524288    files\n") == 1024);
  CHECK(parse_descriptor_limit("Max open files            unlimited  unlimited    files\n") == -1);
  CHECK_FALSE(parse_descriptor_limit("Max processes   1 2 processes\n"));
}

TEST_CASE("arguments are joined by blanks and a trailing NUL is none") {
  CHECK(parse_command_line(std::string_view("nginx\0-g\0daemon off;\0", 21)) ==
        "nginx -g daemon off;");
  CHECK(parse_command_line("").empty());
}

TEST_CASE("a deleted executable is told by the kernel's mark") {
  CHECK(parse_executable("/usr/sbin/nginx (deleted)").deleted);
  CHECK(parse_executable("/usr/sbin/nginx (deleted)").path == "/usr/sbin/nginx");
  CHECK_FALSE(parse_executable("/usr/sbin/nginx").deleted);
}

TEST_CASE("only links of the asked kind have an inode") {
  CHECK(parse_inode_link("socket:[4711]", "socket") == 4711);
  CHECK(parse_inode_link("net:[4026531840]", "net") == 4026531840);
  for (const auto* link : {"pipe:[4711]", "socket:[]", "socket:[47x]", "socket:4711]",
                           "socket:", "socket]", "/home/socket:[1]", ""})
    CHECK_FALSE(parse_inode_link(link, "socket"));
}

TEST_CASE("the boot time is the line btime") {
  CHECK(parse_boot_time("cpu  1 2\nintr 5\nbtime 1700000000\n") == 1700000000);
  CHECK_FALSE(parse_boot_time("cpu 1\n"));
}

TEST_CASE("user names come from the third field, the first line of an id counts") {
  const auto names =
      parse_user_names("root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\n"
                       "www-data:x:33:33:w:/var:/no\nbroken\nbad:x:y:1\n:x:5:5\n+\n");
  CHECK(names.size() == 2);
  CHECK(names.at(0) == "root");
  CHECK(names.at(33) == "www-data");
}

TEST_CASE("services are read with their aliases and without comments") {
  const auto entries = parse_services("# heading\nhttps\t443/tcp\thttp-ssl # secure\n"
                                      "domain 53/udp\nbad\nworse 70000/tcp\nempty 1/\n");
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].name == "https");
  CHECK(entries[0].port == 443);
  CHECK(entries[1].name == "http-ssl");
  CHECK(entries[1].proto == "tcp");
  CHECK(entries[2].name == "domain");
}

TEST_CASE("hidepid hides processes from those without CAP_SYS_PTRACE") {
  constexpr std::string_view hiding =
      "21 31 0:21 / /proc rw,nosuid - proc proc rw,hidepid=invisible\n";
  constexpr std::string_view older = "21 31 0:21 / /proc rw - proc proc rw,gid=5,hidepid=2\n";
  constexpr std::string_view open = "21 31 0:21 / /proc rw - proc proc rw\n";
  constexpr std::string_view weak = "21 31 0:21 / /proc rw - proc proc rw,hidepid=noaccess\n";
  constexpr std::string_view plain = "CapEff:\t0000000000000000\n";
  constexpr std::string_view tracer = "CapEff:\t0000000000080000\n";
  CHECK(hides_processes(hiding, plain));
  CHECK(hides_processes(older, plain));
  CHECK_FALSE(hides_processes(hiding, tracer));
  CHECK_FALSE(hides_processes(open, plain));
  CHECK(is_first_user_namespace("         0          0 4294967295\n"));
  CHECK_FALSE(is_first_user_namespace("         0       1000          1\n"));
  CHECK_FALSE(is_first_user_namespace(""));
  CHECK_FALSE(hides_processes(weak, plain));
}
