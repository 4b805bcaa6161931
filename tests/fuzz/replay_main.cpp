// Runs a fuzzer without libFuzzer: every file of the folders it is given, then a fixed number of
// damaged copies of each (a bit flipped, a part cut out, doubled or taken from another file). The
// random numbers begin alike in every run, so that what fails once fails again.
//
//   fuzz_cel tests/fuzz/corpus/cel
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <span>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr int copies_of_each = 60;

using Random = std::mt19937;

std::size_t below(Random& random, std::size_t limit) {
  return limit == 0 ? 0 : std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
}

std::vector<std::string> read_folder(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_regular_file())
      paths.push_back(entry.path());
  std::ranges::sort(paths);
  std::vector<std::string> inputs;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

std::string damaged(Random& random, std::string input, const std::vector<std::string>& others) {
  const std::size_t from = below(random, input.size() + 1);
  const std::size_t length = below(random, std::min<std::size_t>(input.size() - from, 64) + 1);
  switch (below(random, 5)) {
  case 0:
    return input.substr(0, from);
  case 1:
    return input.erase(from, length);
  case 2:
    return input.insert(from, input.substr(from, length));
  case 3: {
    const std::string& other = others[below(random, others.size())];
    return input.replace(from, length, other, below(random, other.size() + 1), length);
  }
  default:
    if (from < input.size())
      input[from] = static_cast<char>(input[from] ^ (1 << below(random, 8)));
    return input;
  }
}

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

} // namespace

int main(int count, char** arguments) {
  std::size_t runs = 0;
  for (const char* folder : std::span(arguments + 1, static_cast<std::size_t>(count - 1))) {
    const auto inputs = read_folder(folder);
    Random random(1); // NOLINT(cert-msc51-cpp): the same every time
    for (const auto& input : inputs) {
      run(input);
      std::string copy = input;
      for (int number = 0; number < copies_of_each; ++number, ++runs) {
        copy = damaged(random, number % 4 == 0 ? input : copy, inputs);
        run(copy);
      }
    }
    runs += inputs.size();
  }
  std::printf("%zu inputs\n", runs);
  return runs == 0 ? 1 : 0;
}
