#include "core/facts/snapshot_file.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/facts/tables.h"
#include "tests/unit/catch.h"

namespace {

using namespace synfate;
namespace fs = std::filesystem;

Schema core_schema() {
  Schema schema;
  REQUIRE(add_core_tables(schema));
  return schema;
}

Process process(Int pid, Fact<Text> name) {
  Process row;
  row.pid = pid;
  row.name = std::move(name);
  return row;
}

/// Rows of two tables, every kind of cell, gaps, answers with keys.
Snapshot example() {
  Snapshot snapshot(core_schema());
  HostFacts host;
  host.name = "web-3";
  host.os = "linux";
  host.kernel = "6.18.44";
  host.architecture = "x86_64";
  host.byte_order = "little";
  host.netns = 4026531840;
  host.taken_at = 1789000000123;
  host.uid = 1000;
  host.initial_netns = false;
  host.container = "docker\xff";
  snapshot.set_host(host);
  snapshot.add(process(20, Text("bad \xff\n name")));
  snapshot.add(process(3, Unknown{"owners"}));
  snapshot.add(process(7, Absent{}));
  Socket socket;
  socket.netns = 4026531840;
  socket.proto = Text("tcp");
  socket.local_address = *IpAddress::parse("::ffff:10.0.0.1");
  socket.local_port = 8080;
  socket.v6only = false;
  snapshot.add(socket);
  snapshot.add_gap({"owners", "owners of sockets", "no CAP_SYS_PTRACE", "no names", "be root"});
  snapshot.add_gap({"other", "x \xff", "y", "", ""});
  snapshot.answered({"socket",
                     {{"netns", Cell(Int{4026531840})},
                      {"local_address", Cell(*IpAddress::parse("10.0.0.1"))},
                      {"proto", Cell(Text("tcp"))},
                      {"v6only", Cell(true)},
                      {"state", Cell(Absent{})}}},
                    {"owners"});
  snapshot.answered({"process", {}}, {"owners", "other"});
  snapshot.answered({"no_such_table", {{"k", Cell(Bytes{std::string("\x00\x01", 2)})}}}, {});
  return snapshot;
}

std::string written(const Snapshot& snapshot) {
  std::ostringstream out;
  SnapshotWriter writer(out, snapshot.schema(), {"1.2.3", snapshot.host()});
  copy_facts(snapshot, writer);
  REQUIRE(writer.finish());
  return out.str();
}

Result<Snapshot> read_text(const std::string& text, const Schema& schema = core_schema()) {
  std::istringstream in(text);
  return parse_snapshot(in, "f.snap", schema);
}

/// As whoever edits a file on purpose does.
std::string without_sum(std::string text) {
  const auto at = text.find(",\"sum\":\"");
  if (at != std::string::npos)
    text.erase(at, text.find('}', at) - at);
  return text;
}

std::string replaced_keeping_sum(std::string text, std::string_view what, std::string_view with) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  return without_sum(replaced_keeping_sum(std::move(text), what, with));
}

/// The file of a writer that has one more column in front of the others of `process`.
std::string with_column(std::string text, std::string_view column) {
  const std::string_view columns = "\"columns\":[";
  const auto at =
      text.find(columns, text.find("{\"name\":\"process\",\"meaning\"")) + columns.size();
  return text.insert(at, std::string(column) + ",");
}

Error error_of(const std::string& text) {
  const auto snapshot = read_text(text);
  REQUIRE_FALSE(snapshot);
  return snapshot.error();
}

struct TemporaryPath {
  TemporaryPath() {
    std::string name = (fs::temp_directory_path() / "synfate-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    directory = name;
  }
  ~TemporaryPath() { fs::remove_all(directory); }
  fs::path directory;
};

} // namespace

TEST_CASE("a replay has the rows, gaps, answers and host of the run that was recorded") {
  const Snapshot live = example();
  const auto replay = read_text(written(live));
  REQUIRE(replay);
  CHECK(replay->sealed());
  CHECK(replay->gaps() == live.gaps());
  REQUIRE(replay->answers().size() == live.answers().size());
  for (std::size_t index = 0; index < live.answers().size(); ++index) {
    CHECK(replay->answers()[index].request == live.answers()[index].request);
    CHECK(replay->answers()[index].gaps == live.answers()[index].gaps);
  }
  for (const char* name : {"process", "socket"}) {
    const Table& before = *live.table(name);
    const Table* after = replay->table(name);
    REQUIRE(after != nullptr);
    REQUIRE(after->size() == before.size());
    for (std::size_t row = 0; row < before.size(); ++row)
      CHECK(after->row(row) == before.row(row));
  }
  CHECK(replay->host().container == "docker\xff");
  CHECK(replay->host().taken_at == 1789000000123);
  CHECK_FALSE(replay->host().initial_netns);
  CHECK(replay->host().word_bits == 64);
}

TEST_CASE("a replay writes the same bytes again") {
  const std::string text = written(example());
  CHECK(written(*read_text(text)) == text);
}

TEST_CASE("a truncated file is refused, wherever it was cut") {
  const std::string text = written(example());
  const auto last_line = text.rfind('\n', text.size() - 2);
  CHECK(error_of(text.substr(0, last_line + 1)).detail.find("it was cut short") !=
        std::string::npos);
  for (std::size_t size = 0; size + 1 < text.size(); size += 7)
    CHECK_FALSE(read_text(text.substr(0, size)));
}

TEST_CASE("a missing or repeated line is refused by its count") {
  std::string text = written(example());
  const auto row = text.find("{\"row\":\"process\"");
  const std::string line = text.substr(row, text.find('\n', row) + 1 - row);
  CHECK(error_of(replaced(text, line, "")).detail ==
        "it has 3 rows, 2 gaps and 3 answers where its last line counts 4, 2 and 3");
  CHECK_FALSE(read_text(replaced(text, line, line + line)));
}

TEST_CASE("a changed byte that leaves the file well formed is refused by its sum") {
  const auto text = written(example());
  const auto changed = replaced_keeping_sum(text, "8080", "8081");
  CHECK(error_of(changed).detail == "bytes of it have changed since it was written");
  CHECK(error_of(replaced_keeping_sum(text, "6.18.44", "6.18.45")).detail ==
        "bytes of it have changed since it was written");
  CHECK(read_text(text));
  CHECK(read_text(without_sum(text)));
  CHECK(read_text(without_sum(changed)));
}

TEST_CASE("a damaged line is named by its number") {
  struct Damage {
    const char* what;
    const char* with;
  };
  const auto damage = GENERATE(Damage{"[3,", "[3;"}, Damage{"[3,", "[\"3\","},
                               Damage{"\"row\":\"process\"", "\"row\":\"nowhere\""},
                               Damage{"{\"unknown\":\"owners\"}", "{\"unknown\":5}"});
  const auto error = error_of(replaced(written(example()), damage.what, damage.with));
  CHECK(error.code == ErrorCode::damaged);
  CHECK(error.where.find("f.snap:") == 0);
  CHECK(error.hint == "Write or copy it again.");
}

TEST_CASE("what is no snapshot is called that") {
  CHECK(error_of("").detail == "it is empty");
  CHECK(error_of("{\"hello\":1}\n").detail == "it is no snapshot of synfate");
  CHECK(error_of("\x7f"
                 "ELF\n")
            .detail == "it is no snapshot of synfate");
}

TEST_CASE("another major version is refused as such") {
  const auto error =
      error_of(replaced(written(example()), "synfate.snapshot/1", "synfate.snapshot/2"));
  CHECK(error.code == ErrorCode::unsupported);
  CHECK(error.detail == "its format is synfate.snapshot/2, this program reads synfate.snapshot/1");
}

TEST_CASE("something behind the last line is refused") {
  CHECK_FALSE(read_text(written(example()) + "{}\n"));
}

TEST_CASE("members, columns and tables of a later writer are tolerated") {
  Schema later = core_schema();
  REQUIRE(later.add({"site_table", "x", {{"a", ColumnType::integer, "", "", "", true}}}));
  Snapshot snapshot(later);
  snapshot.add_row("site_table", {Cell(Int{5})});
  snapshot.add(process(1, Text("init")));
  std::string text = written(snapshot);
  text = with_column(text, R"({"name":"new","type":"int"})");
  text = replaced(text, "\"cells\":[1,", "\"cells\":[99,1,");
  text = replaced(text, "\"tool\"", "\"more\":{\"x\":[1]},\"tool\"");
  text = replaced(text, "{\"end\"", "{\"future\":[1,2]}\n{\"end\"");
  const auto replay = read_text(text);
  INFO((replay ? std::string() : to_string(replay.error())));
  REQUIRE(replay);
  CHECK(replay->table("site_table")->cell(0, 0) == Cell(Int{5}));
  CHECK(replay->rows<Process>({"process", {}})[0].pid.is(1));
  CHECK(replay->gaps().empty());
}

TEST_CASE("a later writer's key column cannot be left out") {
  std::string text = written(example());
  text = with_column(text, R"({"name":"new","type":"int","key":true})");
  CHECK(error_of(text).code == ErrorCode::unsupported);
}

TEST_CASE("a column that changed its type is refused") {
  std::string text = written(example());
  text = replaced(text, "{\"name\":\"threads\",\"type\":\"int\"",
                  "{\"name\":\"threads\",\"type\":\"string\"");
  CHECK(error_of(text).code == ErrorCode::unsupported);
}

TEST_CASE("a column that an earlier writer did not know is unknown, not absent") {
  Schema earlier;
  REQUIRE(earlier.add({"process", "x", {{"pid", ColumnType::integer, "", "", "", true}}}));
  Snapshot snapshot(earlier);
  snapshot.add_row("process", {Cell(Int{1})});
  const auto replay = read_text(written(snapshot));
  REQUIRE(replay);
  const auto rows = replay->rows<Process>({"process", {}});
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].pid.is(1));
  CHECK(rows[0].name.gap() == "older-snapshot");
  REQUIRE(replay->gap("older-snapshot") != nullptr);
  CHECK(replay->gap("older-snapshot")->what.find("process.name") != std::string::npos);
}

TEST_CASE("a saved file is readable by its owner only and nothing else is left beside it") {
  const TemporaryPath temporary;
  const auto path = temporary.directory / "x.snap";
  std::ofstream(path) << "old";
  fs::permissions(path, fs::perms(0644));
  REQUIRE(save_snapshot(example(), "1", path.string()));
  CHECK((fs::status(path).permissions() & fs::perms(0777)) == fs::perms(0600));
  CHECK(std::distance(fs::directory_iterator(temporary.directory), fs::directory_iterator()) == 1);
  CHECK(read_snapshot(path.string(), core_schema()));
}

TEST_CASE("a file that is not committed leaves the old one as it was") {
  const TemporaryPath temporary;
  const auto path = temporary.directory / "x.snap";
  std::ofstream(path) << "old";
  {
    auto file = NewFile::create(path.string());
    REQUIRE(file);
    (*file)->stream() << "new";
  }
  std::ifstream in(path);
  std::string text;
  in >> text;
  CHECK(text == "old");
  CHECK(std::distance(fs::directory_iterator(temporary.directory), fs::directory_iterator()) == 1);
}

TEST_CASE("where no file can be written the error says so") {
  CHECK_FALSE(save_snapshot(example(), "1", "/nowhere/at/all/x.snap"));
  CHECK_FALSE(save_snapshot(example(), "1", fs::temp_directory_path().string()));
  CHECK_FALSE(save_snapshot(example(), "1", "/dev/full"));
}

TEST_CASE("a file that is not there is the caller's error") {
  const auto snapshot = read_snapshot("/nowhere.snap", core_schema());
  REQUIRE_FALSE(snapshot);
  CHECK(snapshot.error().code == ErrorCode::invalid_input);
  CHECK(to_string(snapshot.error()).find("No such file") != std::string::npos);
}
