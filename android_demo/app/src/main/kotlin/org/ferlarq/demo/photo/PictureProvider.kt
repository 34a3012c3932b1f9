package org.ferlarq.demo.photo

import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.os.ParcelFileDescriptor
import android.provider.OpenableColumns
import java.io.File
import java.io.FileNotFoundException

/**
 * Two pictures of the app's cache, which other apps may open only by a permission that comes with
 * a single address: [TAKEN], which a camera app writes, and [SHARED], which others read.
 */
class PictureProvider : ContentProvider() {
    override fun onCreate() = true

    override fun getType(uri: Uri) = "image/jpeg"

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
        if (uri.pathSegments.size != 1 || (name != TAKEN && name != SHARED)) {
            throw FileNotFoundException("no such picture: $uri")
        }
        return pictureFile(checkNotNull(context), name)
    }

    override fun insert(uri: Uri, values: ContentValues?): Uri? = null

    override fun update(uri: Uri, values: ContentValues?, where: String?, arguments: Array<String>?) =
        0

    override fun delete(uri: Uri, where: String?, arguments: Array<String>?) = 0

    companion object {
        const val TAKEN = "taken.jpg"
        const val SHARED = "shared.jpg"

        fun pictureFile(context: Context, name: String) = File(context.cacheDir, name)

        fun uriOf(name: String): Uri =
            Uri.Builder().scheme("content").authority("org.ferlarq.demo.pictures").path(name).build()
    }
}
