#include "tests/unit/catch.h"
#include "tests/unit/core/cel/expressions.h"

using synfate::cel::test::eval;
using synfate::cel::test::is_true;
using synfate::cel::test::type_of;

TEST_CASE("addresses are parsed strictly") {
  CHECK(eval("ip('10.0.0.1')") == "10.0.0.1");
  CHECK(eval("ip('10.0.0')").find("parse error") != std::string::npos);
  CHECK(eval("ip('fe80::1%eth0')").find("zone") != std::string::npos);
  CHECK(eval("ip('::ffff:1.2.3.4')").find("IPv4-mapped") != std::string::npos);
  CHECK(is_true("isIP('::1') && !isIP('x') && isCIDR('10.0.0.0/8') && !isCIDR('10.0.0.0')"));
  CHECK(is_true("ip.isCanonical('2001:db8::1') && !ip.isCanonical('2001:DB8::1')"));
  CHECK(eval("cidr('10.0.0.0/33')").find("parse error") != std::string::npos);
  CHECK(eval("cidr('10.0.0.0/08')").find("parse error") != std::string::npos);
}

TEST_CASE("addresses are classified") {
  CHECK(is_true("ip('127.9.9.9').isLoopback() && ip('::1').isLoopback()"));
  CHECK(is_true("ip('0.0.0.0').isUnspecified() && ip('::').isUnspecified()"));
  CHECK(is_true("ip('169.254.0.1').isLinkLocalUnicast() && ip('fe80::1').isLinkLocalUnicast()"));
  CHECK(is_true("ip('224.0.0.5').isLinkLocalMulticast() && ip('ff02::5').isLinkLocalMulticast()"));
  CHECK(is_true("!ip('224.0.1.5').isLinkLocalMulticast()"));
  CHECK(is_true("ip('8.8.8.8').isGlobalUnicast() && !ip('255.255.255.255').isGlobalUnicast()"));
  CHECK(eval("[ip('1.1.1.1').family(), ip('::1').family()]") == "[4, 6]");
}

TEST_CASE("a v4-mapped address is the IPv4 address it stands for") {
  CHECK(is_true("ip('::ffff:7f00:1') == ip('127.0.0.1') && ip('::ffff:7f00:1').isLoopback()"));
  CHECK(is_true("cidr('127.0.0.0/8').containsIP(ip('::ffff:7f00:1'))"));
}

TEST_CASE("blocks contain addresses and blocks of their own family") {
  CHECK(is_true("cidr('10.0.0.0/8').containsIP('10.255.0.1')"));
  CHECK(is_true("!cidr('10.0.0.0/8').containsIP(ip('11.0.0.1'))"));
  CHECK(is_true("!cidr('::/0').containsIP(ip('fe80::1')) == false"));
  CHECK(is_true("cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')"));
  CHECK(is_true("!cidr('10.1.0.0/16').containsCIDR(cidr('10.0.0.0/8'))"));
  CHECK(is_true("!cidr('2001:db8::/32').containsIP(ip('10.0.0.1'))"));
}

TEST_CASE("a block keeps its host bits until it is masked") {
  CHECK(eval("cidr('10.1.2.3/8')") == "10.1.2.3/8");
  CHECK(eval("cidr('10.1.2.3/8').masked()") == "10.0.0.0/8");
  CHECK(eval("string(cidr('10.1.2.3/8').ip())") == "'10.1.2.3'");
  CHECK(eval("cidr('10.1.2.3/8').prefixLength()") == "8");
  CHECK(is_true("cidr('10.1.2.3/8') != cidr('10.0.0.0/8')"));
}

TEST_CASE("network values have their own types") {
  CHECK(type_of("ip('::1')") == "net.IP");
  CHECK(type_of("[cidr('::/0')]") == "list(net.CIDR)");
  CHECK(is_true("type(ip('::1')) == net.IP && type(cidr('::/0')) == net.CIDR"));
  CHECK(type_of("isIP(cidr('::/0'))") == "cel.no_such_overload at 1:1");
}
