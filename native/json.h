/* JSON, as much of it as the wire needs: a text that grows, and a document parsed in place. */
#ifndef WUA_JSON_H
#define WUA_JSON_H

#include <stddef.h>
#include <wchar.h>

typedef struct Text {
    char *data;
    size_t length, room;
    int failed; /* no memory: what is in it is not whole */
} Text;

void text_bytes(Text *text, const char *bytes, size_t count);
void text_put(Text *text, const char *plain);
void text_integer(Text *text, long long number);
void text_real(Text *text, double number);                            /* finite */
void text_string(Text *text, const wchar_t *wide, unsigned int count); /* in quotes */
void text_free(Text *text);

typedef enum JsonKind { J_NULL, J_FALSE, J_TRUE, J_INTEGER, J_REAL, J_STRING, J_ARRAY, J_OBJECT } JsonKind;

typedef struct Json {
    JsonKind kind;
    const char *key;     /* of a member of an object, else NULL */
    const char *string;  /* J_STRING: UTF-8, with length, and a NUL after it */
    size_t length;
    long long integer;
    double real;
    struct Document *owner;
    struct Json *first, *next;
} Json;

typedef struct Document {
    char *data;
    Json *nodes; /* the first one is the whole */
    long references;
} Document;

/* Takes over data, which has one byte more than length. NULL when it is no JSON, or deeper than 32. */
Document *json_parse(char *data, size_t length);
void json_keep(Document *document); /* once more than json_free */
void json_free(Document *document);

const Json *json_get(const Json *object, const char *key); /* NULL when it is not there */
long long json_integer(const Json *object, const char *key, long long otherwise);

#endif
