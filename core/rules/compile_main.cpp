// The build's tool: synfate-compile-rules --output FILE.cpp PACK.toml…
//
// Loads the packs, checks everything in them, and writes them as C++. Errors of packs fail the
// build.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "core/facts/tables.h"
#include "core/rules/builtin.h"
#include "core/rules/loader.h"

namespace {

using namespace synfate;

struct Call {
  std::filesystem::path output;
  std::vector<std::filesystem::path> packs;
};

bool read_call(int count, char** words, Call& call) {
  for (int at = 1; at < count; ++at) {
    const std::string word = words[at];
    if (word == "--output" && at + 1 < count)
      call.output = words[++at];
    else
      call.packs.emplace_back(word);
  }
  return !call.output.empty() && !call.packs.empty();
}

std::string builtin_name(const std::string& path) {
  return "built-in:" + std::filesystem::path(path).filename().string();
}

int report(const std::vector<rules::PackError>& errors) {
  for (const auto& error : errors)
    std::cerr << rules::to_string(error);
  return errors.empty() ? 0 : 2;
}

} // namespace

int main(int count, char** words) {
  Call call;
  if (!read_call(count, words, call)) {
    std::cerr << "usage: synfate-compile-rules --output FILE PACK...\n";
    return 2;
  }
  Schema schema;
  if (const auto added = add_core_tables(schema); !added) {
    std::cerr << to_string(added.error()) << "\n";
    return 2;
  }
  rules::Errors unreadable;
  const auto files = rules::read_pack_files(call.packs, {}, unreadable);
  if (const int status = report(unreadable.take()); status != 0)
    return status;
  rules::Loaded loaded = rules::load_packs(files, schema);
  if (const int status = report(loaded.errors); status != 0)
    return status;
  for (auto& rule : loaded.rules.rules)
    rule.file = builtin_name(rule.file);
  std::vector<std::shared_ptr<const rules::SourceFile>> renamed;
  for (const auto& file : files)
    renamed.push_back(
        std::make_shared<rules::SourceFile>(builtin_name(file->name()), file->text()));
  std::ofstream output(call.output, std::ios::binary);
  output << rules::write_builtin_table(loaded.rules) << rules::write_builtin_files(renamed);
  output.close();
  if (output)
    return 0;
  std::cerr << "cannot write " << call.output << "\n";
  return 1;
}
