// Where equal things may stand: the places of a growing list by the hash of what is there.
//
// Equal hashes are mostly, not always, equal things: the asker compares. Kept flat, since a place
// has little else: about 32 bytes where every hash is another one, 4 where they are all the same.
// Tested by tests/unit/core/hash_index_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace synfate {

class HashIndex {
public:
  using Place = std::uint32_t;
  static constexpr Place none = std::numeric_limits<Place>::max();

  /// The hash of what stands at the next place: the first call is for place 0.
  void add(std::uint64_t hash);
  /// How many places were added.
  std::size_t size() const { return next_.size(); }

  /// The first place of this hash; none: there is none.
  Place first(std::uint64_t hash) const;
  /// The next place, in ascending order, whose hash is that of this one; none: it was the last.
  Place next(Place place) const { return next_[place]; }
  /// How many places have this hash; a few more where others look like it.
  std::size_t count(std::uint64_t hash) const;

private:
  struct Group {
    std::uint32_t mark = 0; ///< of the hash
    Place first = none;
    Place last = none;
    std::uint32_t size = 0;
  };

  const Group* find(std::uint64_t hash) const;
  /// Where the group of a hash is, or is to be entered.
  std::size_t slot_of(std::uint32_t mark) const;
  void grow();

  std::vector<Group> groups_;
  std::vector<std::uint32_t> slots_; ///< a power of two of them: group + 1, or 0
  std::vector<Place> next_;          ///< of each place
};

} // namespace synfate
