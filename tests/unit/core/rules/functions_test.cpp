#include "tests/unit/catch.h"

#include "tests/unit/core/rules/fixtures.h"

using namespace synfate;
using namespace synfate::rules;

namespace {

/// What `{expression}` renders as in a title.
std::string rendered(const Snapshot& snapshot, const std::string& expression,
                     const std::vector<FlowReport>& flows = {}) {
  const auto loaded =
      fixtures::load("[[rule]]\nid = \"a\"\nseverity = \"note\"\nexplain = \"e\"\ntitle = '''{" +
                     expression + "}'''\n");
  for (const auto& error : loaded.errors)
    FAIL_CHECK(to_string(error));
  Inquiry inquiry(snapshot);
  const Target target;
  const auto answer = evaluate(inquiry, loaded.rules, {target, flows});
  REQUIRE(answer.findings.size() == 1);
  return answer.findings[0].title;
}

Process process(Int pid, const char* name) {
  Process made;
  made.pid = pid;
  made.name = Text(name);
  return made;
}

SocketOwner owner(Int inode, Int pid) {
  SocketOwner made;
  made.inode = inode;
  made.pid = pid;
  made.fd = Int{3};
  return made;
}

} // namespace

TEST_CASE("an owner is named with its pid, several with their number") {
  Snapshot snapshot = fixtures::snapshot();
  snapshot.add(fixtures::listener("0.0.0.0", 80, 7));
  snapshot.add(owner(7, 12));
  snapshot.add(process(12, "nginx"));
  CHECK(rendered(snapshot, "owner_name(socket[0])") == "nginx (pid 12)");
  snapshot.add(owner(7, 13));
  snapshot.add(process(13, "nginx"));
  CHECK(rendered(snapshot, "owner_name(socket[0])") == "nginx (pid 12 and 1 more)");
}

TEST_CASE("a service is named, not the systemd that keeps its socket") {
  Snapshot snapshot = fixtures::snapshot();
  snapshot.add(fixtures::listener("0.0.0.0", 22, 7));
  snapshot.add(owner(7, 1));
  snapshot.add(owner(7, 55));
  snapshot.add(process(1, "systemd"));
  snapshot.add(process(55, "sshd"));
  CHECK(rendered(snapshot, "owner_name(socket[0])") == "sshd (pid 55 and 1 more)");
}

TEST_CASE("an owner that cannot be seen is an unknown process, not nobody") {
  Snapshot snapshot = fixtures::snapshot({"socket_owner"});
  snapshot.add(fixtures::listener("0.0.0.0", 80, 7));
  CHECK(rendered(snapshot, "owner_name(socket[0])") == "an unknown process");
  CHECK(rendered(snapshot, "owners(socket[0]).size() == 0 ? 'none' : 'some'") == "(unknown)");
}

TEST_CASE("naming an owner asks for what is not read yet") {
  Snapshot snapshot(fixtures::schema());
  snapshot.add(fixtures::listener("0.0.0.0", 80, 7));
  const auto loaded = fixtures::load("[[rule]]\nid = \"a\"\nseverity = \"note\"\nexplain = \"e\"\n"
                                     "title = '{owner_name(socket[0])}'\n");
  Inquiry inquiry(snapshot);
  const Target target;
  evaluate(inquiry, loaded.rules, {target, {}});
  REQUIRE(inquiry.needs().size() == 1);
  CHECK(inquiry.needs()[0] == Request{"socket_owner",
                                      {{"complete", false},
                                       {"hint_cgroup_id", Absent{}},
                                       {"hint_uid", Absent{}},
                                       {"inode", Int{7}}}});
}

TEST_CASE("numbers and times read as people write them") {
  const Snapshot snapshot = fixtures::snapshot();
  CHECK(rendered(snapshot, "plural(1, 'connection')") == "1 connection");
  CHECK(rendered(snapshot, "plural(0, 'entry')") == "0 entries");
  CHECK(rendered(snapshot, "plural(2, 'address')") == "2 addresses");
  CHECK(rendered(snapshot, "plural(2, 'way')") == "2 ways");
  CHECK(rendered(snapshot, "word_after('-m recent --name bad -j DROP', '--name')") == "bad");
  CHECK(rendered(snapshot, "word_after('-m recent --name bad', '--name')") == "bad");
  CHECK(rendered(snapshot, "word_after('-j DROP', '--name')") == "");
  CHECK(rendered(snapshot, "ago(900)") == "900 ms");
  CHECK(rendered(snapshot, "ago(2528)") == "2.5 s");
  CHECK(rendered(snapshot, "ago(600000)") == "10 min");
  CHECK(rendered(snapshot, "ago(86400000)") == "24 h");
}

TEST_CASE("addresses, lists and words of a shell") {
  const Snapshot snapshot = fixtures::snapshot();
  CHECK(rendered(snapshot, "address_port(ip('::1'), 80)") == "[::1]:80");
  CHECK(rendered(snapshot, "join([ip('10.0.0.1'), ip('::')])") == "10.0.0.1, ::");
  CHECK(rendered(snapshot, "quote('a.service')") == "a.service");
  CHECK(rendered(snapshot, "quote('a b; rm -rf')") == "'a b; rm -rf'");
  CHECK(rendered(snapshot, "quote(\"it's\")") == "'it'\\''s'");
  CHECK(rendered(snapshot, "quote('')") == "''");
  CHECK(rendered(snapshot, "quote('a\\nb')") == "$'a\\x0ab'");
}

TEST_CASE("the sockets that decide a flow are those of its evidence, in its order") {
  Snapshot snapshot = fixtures::snapshot();
  snapshot.add(fixtures::listener("0.0.0.0", 80, 7));
  snapshot.add(fixtures::listener("0.0.0.0", 81, 8));
  snapshot.add(fixtures::listener("0.0.0.0", 82, 9));
  auto flow = fixtures::flow(Outcome::denied);
  flow.fate.evidence = {{"socket", 2}, {"address", 0}, {"socket", 0}};
  CHECK(rendered(snapshot, "join(sockets_of(flows[0]).map(s, s.inode))", {flow}) == "9, 7");
  CHECK(rendered(snapshot, "size(unix_sockets_of(flows[0]))", {flow}) == "0");
}

TEST_CASE("the name of what is called is as people write it") {
  const Snapshot snapshot = fixtures::snapshot();
  auto flow = fixtures::flow(Outcome::open);
  CHECK(rendered(snapshot, "flows[0].to.name", {flow}) == "10.0.0.1:80");
  flow.flow.to = IpAddress::loopback(IpFamily::v6);
  CHECK(rendered(snapshot, "flows[0].to.name", {flow}) == "[::1]:80");
  flow.flow.proto = Proto::unix_socket;
  flow.flow.path = "/run/a\nb";
  CHECK(rendered(snapshot, "flows[0].to.name", {flow}) == "/run/a\\nb");
}

TEST_CASE("a rule's maker is told by its table and chain") {
  const Snapshot snapshot = fixtures::snapshot();
  const auto maker = [&](const std::string& kind, const std::string& id) {
    return rendered(snapshot, "made_by(culprit('" + kind + "', '" + id + "', ''))");
  };
  CHECK(maker("nft_rule", "inet/firewalld/filter_INPUT/3") == "firewalld");
  CHECK(maker("xt_rule", "ip/filter/ufw-user-input/1") == "ufw");
  CHECK(maker("xt_rule", "ip/filter/DOCKER-USER/1") == "docker");
  CHECK(maker("xt_rule", "ip/filter/KUBE-SERVICES/1") == "kube-proxy");
  CHECK(maker("nft_chain", "ip/libvirt_network/guest_input") == "libvirt");
  CHECK(maker("nft_rule", "inet/f2b-table/f2b-chain/9") == "fail2ban");
  CHECK(maker("nft_rule", "inet/filter/input/14").empty());
  CHECK(maker("socket", "tcp/docker:80").empty());
}

TEST_CASE("a setting is read in the host's namespace") {
  Snapshot snapshot = fixtures::snapshot();
  Setting setting;
  setting.netns = Int{5};
  setting.name = Text("net.a");
  setting.value = Text("wrong");
  snapshot.add(setting);
  setting.netns = fixtures::netns;
  setting.value = Text("right");
  snapshot.add(setting);
  CHECK(rendered(snapshot, "setting('net.a')") == "right");
  CHECK(rendered(snapshot, "setting('net.b')") == "none");
}

TEST_CASE("a flow shows what the model found") {
  const Snapshot snapshot = fixtures::snapshot();
  auto flow = fixtures::flow(Outcome::timeout, Stage::input);
  flow.fate.culprit = Culprit{"nft_rule", "inet/a%2Fb/c/7", "drop"};
  const auto show = [&](const std::string& text) { return rendered(snapshot, text, {flow}); };
  CHECK(show("flows[0].culprit.parts[1]") == "a/b");
  CHECK(show("flows[0].culprit") == "drop");
  CHECK(show("flows[0].outcome + ' ' + flows[0].stopped_at") == "timeout input");
  CHECK(show("flows[0].from.address") == "10.0.0.9");
  CHECK(show("flows[0].final.port") == "80");
  CHECK(show("has(flows[0].from.uid) ? 'known' : 'not known'") == "not known");
  CHECK(show("flows[0] == flows.filter(f, true)[0]") == "true");
}
