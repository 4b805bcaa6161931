/* The plugin boundary of synfate, version 1: a narrow C interface between the host and collectors.
 *
 * A plugin is a shared library with one exported function, `synfate_plugin`, that returns a
 * description of itself. It collects: the host hands it a request (a table and keys), it hands back
 * rows, cell by cell, and gaps. It derives nothing; that is the work of the model and of rules.
 *
 * The promise: a plugin built against this header keeps working with every later host of the same
 * SYNFATE_ABI_VERSION. Structs begin with their size, members are only ever appended, and a reader
 * looks at a member only if the writer's `struct_size` covers it. No C++ type, no exception and no
 * ownership of memory crosses the boundary: every pointer is valid for the duration of the call it
 * is passed to, and the receiver copies what it wants to keep.
 *
 * Most plugins include sdk.h instead, which wraps all of this for C++.
 */
#ifndef SYNFATE_PLUGIN_ABI_H
#define SYNFATE_PLUGIN_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SYNFATE_ABI_VERSION 1u

/* Bytes with a length; not terminated, may hold any byte. */
typedef struct synfate_text {
  const char* data;
  size_t size;
} synfate_text;

/* The types of cells and keys. */
enum synfate_cell_type {
  SYNFATE_ABSENT = 0,
  SYNFATE_UNKNOWN = 1, /* text: the id of a gap reported in the same collection */
  SYNFATE_INT = 2,     /* integer */
  SYNFATE_DOUBLE = 3,  /* real */
  SYNFATE_STRING = 4,  /* text */
  SYNFATE_BOOL = 5,    /* integer: 0 or 1 */
  SYNFATE_IP = 6,      /* text: 4 or 16 bytes in network order */
  SYNFATE_BYTES = 7    /* text */
};

typedef struct synfate_cell {
  uint32_t struct_size;
  uint32_t type; /* enum synfate_cell_type */
  int64_t integer;
  double real;
  synfate_text text;
} synfate_cell;

/* column == value */
typedef struct synfate_key {
  uint32_t struct_size;
  uint32_t reserved;
  synfate_text column;
  synfate_cell value;
} synfate_key;

/* What the host wants to know: rows of `table` for which all keys hold. A plugin may use the keys
 * to read less; it may deliver more rows than asked, never fewer. */
typedef struct synfate_request {
  uint32_t struct_size;
  uint32_t key_count;
  synfate_text table;
  const synfate_key* const* keys; /* key_count pointers */
  int64_t netns;                  /* inode of the network namespace the calling thread is in */
} synfate_request;

typedef struct synfate_gap {
  uint32_t struct_size;
  uint32_t reserved;
  synfate_text id; /* short, stable, lower case: "owners" */
  synfate_text what;
  synfate_text why;
  synfate_text effect;
  synfate_text remedy;
} synfate_gap;

/* What the host offers during one call of collect. `context` goes into every function unchanged.
 * All functions may be called from one thread at a time only. */
typedef struct synfate_host {
  uint32_t struct_size;
  uint32_t abi_version;
  void* context;

  /* Required. The position of a column of a table the plugin declared, or -1. */
  int32_t (*column)(void* context, synfate_text table, synfate_text column);
  /* Required. Starts a row; 0, or -1 if the plugin did not declare the table. */
  int32_t (*begin_row)(void* context, synfate_text table);
  /* Required. Sets a cell of the row; columns not set are absent. 0, or -1 for a column that does
   * not exist or a type that does not fit: the host then records the plugin as faulty. */
  int32_t (*put)(void* context, int32_t column, const synfate_cell* cell);
  /* Required. Ends the row. 0, or -1 when the host wants no more rows (deadline, limit). */
  int32_t (*end_row)(void* context);
  /* Required. Reports what could not be read. */
  void (*gap)(void* context, const synfate_gap* gap);
  /* Required. Milliseconds left of the run's deadline; 0 or less: stop and return. */
  int64_t (*milliseconds_left)(void* context);
  /* Required. The file system root under which the system's files are read: "" on a live host. */
  synfate_text (*root)(void* context);
  /* Required. A parameter from the plugin's manifest or the site's settings; data is NULL if it is
   * not set. */
  synfate_text (*parameter)(void* context, synfate_text name);
} synfate_host;

/* The plugin's description of itself; static storage. */
typedef struct synfate_plugin_description {
  uint32_t struct_size;
  uint32_t abi_version; /* SYNFATE_ABI_VERSION it was built with */
  const char* id;       /* as in the manifest */
  const char* version;

  /* Optional. Called once before the first collect; the result goes into the other calls. */
  void* (*create)(void);
  /* Required. Answers one request. 0 if it was answered as far as possible (what is missing is
   * reported as gaps), otherwise the request failed as a whole. */
  int32_t (*collect)(void* self, const synfate_request* request, const synfate_host* host);
  /* Optional. Called once at the end. */
  void (*destroy)(void* self);
} synfate_plugin_description;

/* The one exported function of a plugin. */
typedef const synfate_plugin_description* (*synfate_plugin_entry)(void);

#ifdef __cplusplus
}
#endif

#endif
