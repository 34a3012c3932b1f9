package org.ferlarq.demo.sharing

import android.content.ClipData
import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.content.Intent
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.os.ParcelFileDescriptor
import android.provider.OpenableColumns
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException
import java.io.OutputStream

/**
 * A few files of the app's cache, which other apps may open only by a permission that comes with a
 * single address: [TAKEN], which a camera app writes, and others that are read.
 */
class SharedFiles : ContentProvider() {
    override fun onCreate() = true

    override fun getType(uri: Uri) = FILES[fileOf(uri).name]

    override fun openFile(uri: Uri, mode: String): ParcelFileDescriptor {
        val file = fileOf(uri)
        if (mode != "r" && file.name != TAKEN) throw FileNotFoundException("read only: $uri")
        return ParcelFileDescriptor.open(file, ParcelFileDescriptor.parseMode(mode))
    }

    override fun query(
        uri: Uri,
        projection: Array<String>?,
        selection: String?,
        selectionArguments: Array<String>?,
        order: String?,
    ): Cursor {
        val file = fileOf(uri)
        val columns = projection ?: arrayOf(OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE)
        val values = columns.map {
            when (it) {
                OpenableColumns.DISPLAY_NAME -> file.name
                OpenableColumns.SIZE -> file.length()
                else -> null
            }
        }
        return MatrixCursor(columns, 1).apply { addRow(values) }
    }

    private fun fileOf(uri: Uri): File {
        val name = uri.lastPathSegment
        if (uri.pathSegments.size != 1 || name !in FILES) throw FileNotFoundException("no such file: $uri")
        return fileOf(checkNotNull(context), checkNotNull(name))
    }

    override fun insert(uri: Uri, values: ContentValues?): Uri? = null

    override fun update(uri: Uri, values: ContentValues?, where: String?, arguments: Array<String>?) =
        0

    override fun delete(uri: Uri, where: String?, arguments: Array<String>?) = 0

    companion object {
        const val TAKEN = "taken.jpg"
        const val PHOTO = "expressions.jpg"
        const val HISTORY_PICTURE = "expressions.png"
        const val HISTORY_TABLE = "expressions.csv"

        private val FILES = mapOf(
            TAKEN to "image/jpeg",
            PHOTO to "image/jpeg",
            HISTORY_PICTURE to "image/png",
            HISTORY_TABLE to "text/csv",
        )

        fun fileOf(context: Context, name: String) = File(context.cacheDir, name)

        fun uriOf(name: String): Uri =
            Uri.Builder().scheme("content").authority("org.ferlarq.demo.files").path(name).build()

        /** Writes a file for others to read; its address, or null if there is no room for it. */
        fun write(context: Context, name: String, content: (OutputStream) -> Unit): Uri? = try {
            fileOf(context, name).outputStream().use(content)
            uriOf(name)
        } catch (_: IOException) {
            null
        } catch (_: OutOfMemoryError) {
            null
        }

        /** The question whom to share files with. */
        fun question(uris: List<Uri>, title: String): Intent {
            val types = uris.mapNotNull { FILES[it.lastPathSegment] }
            val intent = if (uris.size == 1) {
                Intent(Intent.ACTION_SEND).putExtra(Intent.EXTRA_STREAM, uris[0]).setType(types[0])
            } else {
                Intent(Intent.ACTION_SEND_MULTIPLE)
                    .putParcelableArrayListExtra(Intent.EXTRA_STREAM, ArrayList(uris)).setType("*/*")
            }
            intent.clipData = ClipData.newRawUri(null, uris[0]) // the permission below goes with it
            for (uri in uris.drop(1)) intent.clipData?.addItem(ClipData.Item(uri))
            intent.addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
            return Intent.createChooser(intent, title)
        }
    }
}
