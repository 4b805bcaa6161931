#include "platform/linux/processes/service_state.h"

#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/processes/directory.h"

using namespace synfate;

namespace {

ServiceState state(const test::Directory& root, const std::string& unit) {
  ProcessSource source;
  source.root = root.path();
  return read_service_state(unit, source);
}

} // namespace

TEST_CASE("a unit with an invocation is started, one without is not") {
  const test::Directory root;
  root.link("run/systemd/units/invocation:shop.service", "8d1f6c5e");
  CHECK(state(root, "shop.service").active.is(true));
  CHECK(state(root, "shop.socket").active.is(false));
  CHECK(state(root, "shop@.service").active.absent());
  CHECK(state(root, "shop.service").masked.is(false));
}

TEST_CASE("without systemd nothing is said of a unit") {
  const test::Directory root;
  CHECK(state(root, "shop.service").active.absent());
  CHECK(state(root, "../shop.service").masked.absent());
}

TEST_CASE("a unit whose file leads to nothing is masked") {
  const test::Directory root;
  root.link("etc/systemd/system/shop.service", "/dev/null");
  root.link("etc/systemd/system/other.service", "/usr/lib/systemd/system/other.service");
  CHECK(state(root, "shop.service").masked.is(true));
  CHECK(state(root, "other.service").masked.is(false));
}
