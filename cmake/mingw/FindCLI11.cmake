synfate_header_library(CLI11::CLI11 CLI)
