synfate_header_library(date::date date)
