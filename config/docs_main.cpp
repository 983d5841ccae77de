#include <cstdio>
#include <fstream>
#include <string>

#include "config/reference.h"
#include "config/schema.h"

namespace {

bool write(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary);
    file << text << std::flush;
    if (!file) std::fprintf(stderr, "cannot write %s\n", path.c_str());
    return static_cast<bool>(file);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: reeve-docs FOLDER\n");
        return 2;
    }
    const std::string folder = argv[1];
    const bool written = write(folder + "/configuration.md", reeve::config::reference_page()) &&
                         write(folder + "/reeve.schema.json", reeve::config::json_schema());
    return written ? 0 : 1;
}
