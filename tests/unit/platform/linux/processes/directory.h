// A temporary directory that stands for the root of a recorded system.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace synfate::test {

class Directory {
public:
  Directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "synfate-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  const std::string& path() const { return path_; }
  void folder(const std::string& name) const {
    std::filesystem::create_directories(path_ + "/" + name);
  }
  void file(const std::string& name, std::string_view content) const {
    make_parent(name);
    std::ofstream(path_ + "/" + name, std::ios::binary) << content;
  }
  void link(const std::string& name, const std::string& target) const {
    make_parent(name);
    std::filesystem::create_symlink(target, path_ + "/" + name);
  }

private:
  void make_parent(const std::string& name) const {
    std::filesystem::create_directories(std::filesystem::path(path_ + "/" + name).parent_path());
  }
  std::string path_;
};

} // namespace synfate::test
