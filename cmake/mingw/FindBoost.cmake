synfate_header_library(Boost::headers boost)
