#include "platform/linux/xtables/classic_bpf.h"

#include <array>
#include <bit>
#include <cstdint>

namespace synfate::xt {
namespace {

constexpr std::uint32_t all_bits = 0xffffffffU;
/// Ways followed at once; a program has at most 64 instructions.
constexpr unsigned most_steps = 4096;

/// 32 bits of which some are known; those that are not are 0 in `value`.
struct Word {
  std::uint32_t value = 0;
  std::uint32_t known = all_bits;

  bool complete() const { return known == all_bits; }
  std::uint32_t most() const { return value | ~known; }
};

constexpr Word nothing_known{0, 0};

struct State {
  Word a;
  Word x;
  std::array<Word, 16> memory{};
};

/// What a load finds.
enum class Found : std::uint8_t { word, outside };

// include/uapi/linux/bpf_common.h, filter.h
constexpr unsigned class_of(unsigned code) {
  return code & 0x07U;
}
enum Class : std::uint8_t { ld, ldx, st, stx, alu, jmp, ret, misc };
constexpr unsigned mode_of(unsigned code) {
  return code & 0xe0U;
}
constexpr unsigned mode_imm = 0x00;
constexpr unsigned mode_abs = 0x20;
constexpr unsigned mode_ind = 0x40;
constexpr unsigned mode_mem = 0x60;
constexpr unsigned mode_len = 0x80;
constexpr unsigned mode_msh = 0xa0;
constexpr unsigned operation_of(unsigned code) {
  return code & 0xf0U;
}
constexpr unsigned source_x = 0x08;
constexpr unsigned return_a = 0x10;
constexpr unsigned misc_txa = 0x80;
// SKF_NET_OFF, SKF_AD_OFF and what lies there.
constexpr std::uint32_t network_offset = 0xfff00000U;
constexpr std::uint32_t ancillary_offset = 0xfffff000U;
constexpr std::uint32_t ancillary_protocol = 0;
constexpr std::uint32_t ancillary_mark = 20;
constexpr std::uint32_t first_special = 0x80000000U;

class Run {
public:
  Run(std::span<const wire::BpfInstruction> program, const PacketClass& packet)
      : program_(program), packet_(packet) {}

  Truth from(std::size_t at, State state) {
    for (; at < program_.size() && ++steps_ < most_steps; ++at) {
      const auto& step = program_[at];
      switch (class_of(step.code)) {
      case ld:
      case ldx:
        if (load(step, state) == Found::outside)
          return Truth::no;
        break;
      case st:
      case stx:
        if (step.k < state.memory.size())
          state.memory[step.k] = class_of(step.code) == st ? state.a : state.x;
        break;
      case alu:
        if (!calculate(step, state))
          return Truth::no;
        break;
      case jmp:
        if (operation_of(step.code) == 0) {
          at += step.k;
          break;
        }
        switch (compare(step, state)) {
        case Truth::yes:
          at += step.jump_true;
          break;
        case Truth::no:
          at += step.jump_false;
          break;
        case Truth::depends:
          return both(from(at + 1 + step.jump_true, state), at + 1 + step.jump_false, state);
        }
        break;
      case ret:
        return returned((step.code & 0x18U) == return_a ? state.a : Word{step.k});
      default:
        if ((step.code & 0xf8U) == misc_txa)
          state.a = state.x;
        else
          state.x = state.a;
        break;
      }
    }
    return Truth::depends;
  }

private:
  Truth both(Truth one, std::size_t at, const State& state) {
    return one != Truth::depends && from(at, state) == one ? one : Truth::depends;
  }

  static Truth returned(const Word& word) {
    if (word.value != 0)
      return Truth::yes;
    return word.complete() ? Truth::no : Truth::depends;
  }

  /// bpf_skb_load_helper_32() and its like: big-endian.
  Found fetch(std::uint64_t offset, unsigned size, Word& word) const {
    const auto length = packet_length(packet_);
    if (length.known() && offset + size > length.value())
      return Found::outside;
    if (!length.known() && offset + size > packet_.network.size()) {
      word = nothing_known; // nor whether it is there: see may_be_outside()
      unsure_ = true;
      return Found::word;
    }
    word = {0, ~0U};
    for (unsigned at = 0; at < size; ++at) {
      const bool header = offset + at < packet_.network.size();
      const Octet octet = header ? resolve(packet_, packet_.network[offset + at]) : Octet::any();
      const std::uint8_t known = octet.is_known() ? std::uint8_t{0xff} : octet.known;
      word.value = word.value << 8U | static_cast<std::uint8_t>(octet.value & known);
      word.known = word.known << 8U | known;
    }
    return Found::word;
  }

  /// skb->protocol in host order, skb->mark.
  Word ancillary(std::uint32_t what) const {
    const auto type = ethertype_of(packet_);
    if (what == ancillary_protocol)
      return {std::uint32_t{type[0]} << 8U | type[1]};
    if (what == ancillary_mark && packet_.meta.mark.known())
      return {packet_.meta.mark.value()};
    return nothing_known;
  }

  Word length() const {
    const auto length = packet_length(packet_);
    return length.known() ? Word{length.value()} : nothing_known;
  }

  Found at_offset(std::uint64_t offset, unsigned size, Word& word) const {
    if (offset < first_special)
      return fetch(offset, size, word);
    if (offset >= network_offset && offset < ancillary_offset)
      return fetch(offset - network_offset, size, word);
    word = offset >= ancillary_offset && offset <= all_bits
               ? ancillary(static_cast<std::uint32_t>(offset - ancillary_offset))
               : nothing_known; // the link-layer header
    return Found::word;
  }

  Found load(const wire::BpfInstruction& step, State& state) const {
    constexpr std::array<unsigned, 4> sizes{4, 2, 1, 4};
    const bool to_x = class_of(step.code) == ldx;
    Word& target = to_x ? state.x : state.a;
    const unsigned size = sizes[step.code >> 3U & 3U];
    Found found = Found::word;
    switch (mode_of(step.code)) {
    case mode_imm:
      target = Word{step.k};
      break;
    case mode_mem:
      target = step.k < state.memory.size() ? state.memory[step.k] : nothing_known;
      break;
    case mode_len:
      target = length();
      break;
    case mode_msh: { // ldxb 4 * ([k] & 0xf)
      Word byte;
      found = at_offset(step.k, 1, byte);
      target = {(byte.value & 0xfU) << 2U, ~(~byte.known << 2U & 0x3cU)};
      break;
    }
    case mode_abs:
      found = at_offset(step.k, size, target);
      break;
    case mode_ind:
      if (state.x.complete()) {
        found = at_offset(std::uint32_t{state.x.value + step.k}, size, target);
      } else {
        target = nothing_known;
        unsure_ = true;
      }
      break;
    default:
      target = nothing_known;
      break;
    }
    return found;
  }

  /// False: it divides by zero, which ends the program.
  static bool calculate(const wire::BpfInstruction& step, State& state) {
    const Word by = (step.code & source_x) != 0 ? state.x : Word{step.k};
    Word& a = state.a;
    const unsigned operation = operation_of(step.code);
    const bool divides = operation == 0x30 || operation == 0x90;
    if (divides && by.complete() && by.value == 0)
      return false;
    switch (operation) {
    case 0x40: // or
      a = {a.value | by.value, (a.known & by.known) | a.value | by.value};
      return true;
    case 0x50: // and
      a = {a.value & by.value,
           (a.known & by.known) | (a.known & ~a.value) | (by.known & ~by.value)};
      return true;
    case 0xa0: // xor
      a = {(a.value ^ by.value) & a.known & by.known, a.known & by.known};
      return true;
    case 0x60: // shifts by more than 31 are refused for constants
    case 0x70: {
      const std::uint32_t bits = by.value & 31U;
      const bool left = operation == 0x60;
      if (!by.complete())
        a = nothing_known;
      else
        a = left ? Word{a.value << bits, ~(~a.known << bits)}
                 : Word{a.value >> bits, ~(~a.known >> bits)};
      return true;
    }
    default:
      break;
    }
    if (!a.complete() || !by.complete()) {
      a = nothing_known;
      return true;
    }
    switch (operation) {
    case 0x00:
      a.value += by.value;
      break;
    case 0x10:
      a.value -= by.value;
      break;
    case 0x20:
      a.value *= by.value;
      break;
    case 0x30:
      a.value /= by.value;
      break;
    case 0x80:
      a.value = 0U - a.value;
      break;
    case 0x90:
      a.value %= by.value;
      break;
    default:
      a = nothing_known;
      break;
    }
    return true;
  }

  static Truth told(bool surely, bool never) {
    return surely ? Truth::yes : never ? Truth::no : Truth::depends;
  }

  static Truth compare(const wire::BpfInstruction& step, const State& state) {
    const Word by = (step.code & source_x) != 0 ? state.x : Word{step.k};
    const Word& a = state.a;
    const std::uint32_t both = a.known & by.known;
    switch (operation_of(step.code)) {
    case 0x10: // ==
      return told(both == all_bits && a.value == by.value, ((a.value ^ by.value) & both) != 0);
    case 0x20: // >
      return told(a.value > by.most(), a.most() <= by.value);
    case 0x30: // >=
      return told(a.value >= by.most(), a.most() < by.value);
    case 0x40: // &
      return told((a.value & by.value) != 0, (a.most() & by.most()) == 0);
    default:
      return Truth::depends;
    }
  }

public:
  /// A load may have been one outside of the packet, which ends the program.
  bool may_be_outside() const { return unsure_; }

private:
  std::span<const wire::BpfInstruction> program_;
  const PacketClass& packet_;
  unsigned steps_ = 0;
  mutable bool unsure_ = false;
};

} // namespace

Truth run_classic_bpf(std::span<const wire::BpfInstruction> program, const PacketClass& packet) {
  Run run(program, packet);
  const Truth truth = run.from(0, {});
  return truth == Truth::yes && run.may_be_outside() ? Truth::depends : truth;
}

} // namespace synfate::xt
