synfate_header_library(tomlplusplus::tomlplusplus toml++)
